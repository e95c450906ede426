//! The value that a text assigns to a key: how far it reaches, and what is judged of it.

use std::ops::Range;

use crate::scrub::detector::assign;
use crate::scrub::detector::assign::Assignment;
use crate::scrub::detector::assign::Delimiter;
use crate::scrub::detector::assign::Sign;
use crate::scrub::detector::find::ELEMENTS_MAX;
use crate::scrub::detector::find::Search;
use crate::scrub::detector::key::Class;
use crate::scrub::detector::key::Rules;
use crate::scrub::detector::masked::is_mask;
use crate::scrub::detector::overlap::Certainty;
use crate::scrub::detector::overlap::How;
use crate::scrub::detector::overlap::Match;
use crate::scrub::detector::value;
use crate::scrub::detector::value::Standing;
use crate::scrub::rule::ValueForm;

/// Where a value without quotes begins, and the line or the list that it ends in.
struct Open {
    start: usize,
    line: Range<usize>,
}

impl<'d> Search<'d, '_> {
    /// Judges what is assigned to a key that these rules name.
    pub(super) fn assigned(
        &mut self,
        text: &[u8],
        assignment: &Assignment,
        rules: Rules<'d>,
        found: &mut Vec<Match>,
    ) {
        let range = assignment.value.clone();
        let value = text.get(range.clone()).unwrap_or_default();
        let sign = match assignment.sign {
            Sign::SpacedEquals if assign::in_section(text, &assignment.key) => Sign::Equals,
            sign => sign,
        };
        if assign::is_next_entry(text, assignment) {
            return;
        }
        let rules = self.of_words(text, assignment, sign, rules);
        if let Delimiter::Quote(depth) = assignment.delimiter {
            return self.quoted(text, assignment, sign, depth, rules, found);
        }
        if let Some(fallback) = assign::fallback(text, range.start) {
            self.step(fallback.len());
            let before = found.len();
            self.judge(text, fallback, rules, Standing::Whole, None, found);
            if before < found.len() {
                return;
            }
        }
        if is_mask(value)
            || assign::is_reference(text, range.start, sign)
            || self.structured(text, assignment, rules, found)
        {
            return;
        }
        if let Some(open) = self.opened(text, range, sign, rules, found) {
            self.unquoted(text, assignment, sign, open, rules, found);
        }
    }

    /// The rules for a value: those for passwords where a name that may be one of a password,
    /// `pass`, is given words that name nothing, or one of a secret is given a phrase.
    fn of_words(
        &self,
        text: &[u8],
        assignment: &Assignment,
        sign: Sign,
        rules: Rules<'d>,
    ) -> Rules<'d> {
        let name = text.get(assignment.key.clone()).unwrap_or_default();
        let ends = |word: &[u8]| {
            let end = name.len().checked_sub(word.len()).and_then(|at| name.get(at..));
            end.is_some_and(|end| end.eq_ignore_ascii_case(word))
        };
        let is_pass = ends(b"pass");
        let is_quoted = matches!(assignment.delimiter, Delimiter::Quote(_));
        let is_whole = is_quoted || sign == Sign::Element || opens_block(text, assignment);
        let is_tied = is_whole || matches!(sign, Sign::Equals | Sign::Query | Sign::Flag);
        if !is_tied || !(is_pass || ends(b"secret") || ends(b"credential")) {
            return rules;
        }
        let value = &assignment.value;
        let line = value.start..value.end.min(value.start + PHRASE_MAX);
        let word = match is_quoted {
            true => line.clone(),
            false => line.start..assign::word_end(text, line.clone(), sign),
        };
        let word = text.get(word).unwrap_or_default();
        let word = word.split(|byte| matches!(byte, b',' | b'&')).next().unwrap_or_default();
        let line = line_of(text.get(line).unwrap_or_default());
        let line = line.split(|byte| *byte == b'<').next().unwrap_or_default();
        let tells = (is_pass && value::is_chain(word)) || (is_whole && value::is_passphrase(line));
        match self.detector.keys.classify(b"password") {
            Class::Secret(passwords) if tells => passwords,
            _ => rules,
        }
    }

    /// A value in quotes; in a difference between two texts, both of them.
    fn quoted(
        &mut self,
        text: &[u8],
        assignment: &Assignment,
        sign: Sign,
        depth: usize,
        rules: Rules<'d>,
        found: &mut Vec<Match>,
    ) {
        let range = assignment.value.clone();
        self.step(range.len());
        let value = text.get(range.clone()).unwrap_or_default();
        let standing = match sign {
            // Quotes show where it ends.
            Sign::Prose | Sign::Stated
                if value::is_quoted_password(value)
                    || (self.form(rules) == ValueForm::Password
                        && value::is_plain_words(value))
                    || (is_joined(text.get(assignment.key.clone()).unwrap_or_default())
                        && (value::is_drawn(value) || value::is_drawn_number(value))) =>
            {
                Standing::Whole
            }
            Sign::Pair | Sign::Prose | Sign::Stated => Standing::Word(sign),
            _ => Standing::Whole,
        };
        let range = match sign {
            Sign::SpacedEquals => assign::same_place(text, &assignment.key, range, depth),
            _ => range,
        };
        if assign::is_renamed(text, &assignment.key, range.clone())
            || assign::is_other_name(text, assignment, range.clone())
        {
            return;
        }
        let changed = assign::changed_to(text, range.end, depth);
        for range in std::iter::once(range).chain(changed) {
            let before = found.len();
            self.judge(text, range.clone(), rules, standing, None, found);
            if found.len() == before {
                self.beside_user(text, assignment, range, rules, found);
            }
        }
    }

    /// Takes plain words for the password of the user beside whom they stand, under a name that
    /// may also mean something else: `user: bob, pass: lamp-horse`.
    fn beside_user(
        &mut self,
        text: &[u8],
        assignment: &Assignment,
        value: Range<usize>,
        rules: Rules<'d>,
        found: &mut Vec<Match>,
    ) {
        let words = text.get(value.clone()).unwrap_or_default();
        let is_meant = value::is_plain_words(words) && assign::is_of_user(text, assignment);
        if is_meant && let Some(rule) = rules.iter().find(|&rule| self.admits(rule, text, &value)) {
            found.push(Match { range: value, rule, certainty: Certainty::Key, how: How::Plain });
        }
    }

    /// Where a value without quotes stands, behind the bracket that it may begin with;
    /// `None` where there is no more to judge.
    fn opened(
        &mut self,
        text: &[u8],
        range: Range<usize>,
        sign: Sign,
        rules: Rules<'d>,
        found: &mut Vec<Match>,
    ) -> Option<Open> {
        let value = text.get(range.clone()).unwrap_or_default();
        match value {
            // A class of a regular expression.
            [b'[', ..] if value::is_class(value) => None,
            // Go prints a list as `[a b]`.
            [b'[', ..] => {
                let (objects, read) = assign::objects(text, range.start);
                self.step(read);
                if !objects.is_empty() {
                    for object in objects.into_iter().take(ELEMENTS_MAX) {
                        self.members(text, assign::Members::new(text, object), rules, found);
                    }
                    return None;
                }
                let len = closing_bracket(value).unwrap_or(value.len());
                self.step(len);
                let start = range.start + 1;
                Some(Open { start, line: start..range.start + len })
            }
            // A template: `${{ secrets.PASSWORD }}`.
            [b'{', b'{', ..] | [b'$', b'{', b'{', ..] => None,
            [b'{', ..] if let Some(len) = value::scheme_len(value) => {
                Some(Open { start: range.start + len, line: range.start + len..range.end })
            }
            // JSON, or a value that begins so.
            [b'{', ..] => {
                if self.members(text, assign::Members::new(text, range.start), rules, found) {
                    return None;
                }
                let end = assign::word_end(text, range.clone(), sign);
                self.step(end - range.start);
                value::is_generated(text.get(range.start..end).unwrap_or_default())
                    .then_some(Open { start: range.start, line: range })
            }
            _ => Some(Open { start: range.start, line: range }),
        }
    }

    /// A value without quotes: as far as its form goes.
    fn unquoted(
        &mut self,
        text: &[u8],
        assignment: &Assignment,
        sign: Sign,
        Open { start, line }: Open,
        rules: Rules<'d>,
        found: &mut Vec<Match>,
    ) {
        let list_end = line.end;
        let form = self.form(rules);
        if form.is_pairs() && assignment.value.start < self.progress.pairs_until {
            return;
        }
        let (end, standing) = extent(text, assignment, sign, start, line, form);
        self.step(end - start);
        let end = match form {
            ValueForm::Whole | ValueForm::Credential => assign::first_column(text, start..end),
            _ => end,
        };
        if form.is_pairs() {
            self.progress.pairs_until = end;
        }
        if end <= start
            || assign::is_member(text, &assignment.key, start..end)
            || assign::is_command(text, start..end, sign)
            || (sign == Sign::Prose && self.is_other_key(text, &assignment.key))
            || is_of_line(text, assignment, sign, start..end)
            || (sign == Sign::Colon && self.is_pair(text.get(start..end).unwrap_or_default()))
        {
            return;
        }
        let quote = match sign {
            Sign::Colon => assignment.key_quote,
            _ => None,
        };
        let first = found.len();
        let standing = match standing {
            Standing::Word(_) if is_open_call(text, start..end) => Standing::Whole,
            standing => standing,
        };
        self.judge(text, start..end, rules, standing, quote, found);
        if found.len() == first {
            self.beside_user(text, assignment, start..end, rules, found);
        }
        let is_list = text.get(assignment.value.start) == Some(&b'[');
        if is_list && end < list_end {
            self.words(text, end..list_end, rules, standing, found);
        }
        self.more_codes(text, &assignment.key, rules, first, found);
        if sign == Sign::Query {
            for new in found.iter_mut().skip(first) {
                new.how = How::Url;
            }
        }
    }
}

/// Where a value without quotes ends that begins at `start`, and how it stands there. `line` is
/// what it may take.
fn extent(
    text: &[u8],
    assignment: &Assignment,
    sign: Sign,
    start: usize,
    line: Range<usize>,
    form: ValueForm,
) -> (usize, Standing) {
    if value::takes_line(form) {
        let end = assign::line_end(text, line);
        return (assign::parameters_end(text, end), Standing::Line(sign));
    }
    // The phrase that is all of the first line of a block of YAML.
    if sign == Sign::Colon && opens_block(text, assignment) {
        let line = start..assign::line_end(text, start..line.end);
        let phrase = text.get(line).unwrap_or_default().trim_ascii_end();
        if value::is_passphrase(phrase) {
            return (start + phrase.len(), Standing::Whole);
        }
    }
    // The phrase that a sentence says it is.
    if sign == Sign::Stated && form == ValueForm::Password {
        let rest = text.get(start..line.end.min(start + PHRASE_MAX)).unwrap_or_default();
        let ends = |byte: &u8| matches!(byte, b'\n' | b'\r' | b'"' | b'\\' | b',' | b'.' | b'(');
        let phrase = rest.split(ends).next().unwrap_or_default().trim_ascii_end();
        if value::is_said_phrase(phrase) {
            return (start + phrase.len(), Standing::Whole);
        }
    }
    let end = assign::word_end(text, line, sign);
    let is_property = sign == Sign::SpacedEquals && is_property(text, assignment, start..end);
    (end, Standing::Word(if is_property { Sign::Equals } else { sign }))
}

/// Whether a name is one that programs give, of words that a sign or a capital joins:
/// `_authToken`. Behind it stands what it is, not what is said of it.
fn is_joined(name: &[u8]) -> bool {
    name.iter().any(|byte| matches!(byte, b'_' | b'.'))
        || name.windows(2).any(|two| matches!(two, [b'a'..=b'z', b'A'..=b'Z']))
}

/// Whether a block of YAML begins behind a key: `key: |` and a line end.
fn opens_block(text: &[u8], assignment: &Assignment) -> bool {
    let gap = text.get(assignment.key.end..assignment.value.start).unwrap_or_default();
    let breaks = gap.contains(&b'\n') || memchr::memmem::find(gap, b"\\n").is_some();
    breaks && gap.iter().any(|byte| matches!(byte, b'|' | b'>'))
}

/// Whether a word behind a dotted name is what a file of properties sets, and no code: the name
/// begins its line, the word ends it and is written as a password.
fn is_property(text: &[u8], assignment: &Assignment, word: Range<usize>) -> bool {
    let name = text.get(assignment.key.clone()).unwrap_or_default();
    let before = text.get(..assignment.key.start).unwrap_or_default();
    let first = name.split(|byte| *byte == b'.').next().unwrap_or_default();
    let of_name =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(byte);
    name.contains(&b'.')
        && !matches!(first, b"self" | b"this" | b"user" | b"form" | b"req" | b"request" | b"obj")
        && name.iter().all(of_name)
        && matches!(before.last(), None | Some(b'\n'))
        && assign::ends_line(text, word.end)
        && value::is_shaped(text.get(word).unwrap_or_default())
}

/// Whether what seems to be a call is none, since the bracket that it opens is not closed on its
/// line, and a number stands in what would be its argument: `Cookie(Chelsea20`.
fn is_open_call(text: &[u8], word: Range<usize>) -> bool {
    let value = text.get(word.clone()).unwrap_or_default();
    let Some(open) = value.iter().position(|byte| matches!(byte, b'(' | b'[')) else {
        return false;
    };
    let argument = value.get(open + 1..).unwrap_or_default();
    let rest = text.get(word.end..text.len().min(word.end + SAID_MAX)).unwrap_or_default();
    let closes = |byte: &u8| matches!(byte, b')' | b']');
    0 < open
        && argument.iter().any(u8::is_ascii_digit)
        && argument.last().is_some_and(u8::is_ascii_alphanumeric)
        && argument.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%*@".contains(byte))
        && assign::ends_line(text, word.end)
        && !line_of(rest).iter().any(closes)
}

/// Whether a word without quotes is none of a value, but of what its line says: a label, a
/// statement, a new name, a command.
fn is_of_line(text: &[u8], assignment: &Assignment, sign: Sign, word: Range<usize>) -> bool {
    if assign::is_renamed(text, &assignment.key, word.clone())
        || assign::is_source(text, assignment, sign, word.clone())
    {
        return true;
    }
    let value = text.get(word.clone()).unwrap_or_default();
    let rest = text.get(word.start..text.len().min(word.start + SAID_MAX)).unwrap_or_default();
    match sign {
        Sign::SpacedEquals => assign::is_cmdlet(value),
        // `.htpasswd bob2`: a file.
        Sign::Prose => {
            matches!(text.get(..assignment.key.start), Some([b'.'] | [.., b' ' | b'/', b'.']))
        }
        // `login.password=Mot de passe`
        Sign::Equals if value.first().is_some_and(|byte| !byte.is_ascii_lowercase()) => {
            let line = line_of(rest);
            value.len() < line.len() && value::is_label(line)
        }
        Sign::Colon if value.iter().any(|byte| byte.is_ascii_digit()) => false,
        Sign::Colon => {
            let line = line_of(rest);
            // `volume "db-password" : references non-existent key`
            let is_sentence = assignment.key_quote.is_some()
                && value.iter().all(u8::is_ascii_lowercase)
                && matches!(line.get(value.len()..), Some([b' ', b'a'..=b'z', ..]));
            is_sentence
                || value::is_label(line)
                || value::is_statement(line)
                || value::is_described(line)
        }
        _ => false,
    }
}

/// The first line, without what ends the string around it.
fn line_of(rest: &[u8]) -> &[u8] {
    let ends = |byte: &u8| matches!(byte, b'\n' | b'\r' | b'"' | b'\\');
    rest.split(ends).next().unwrap_or_default().trim_ascii_end()
}

/// How long a passphrase is.
const PHRASE_MAX: usize = 128;

/// How much of a line is read to tell what it says, in bytes.
const SAID_MAX: usize = 96;

impl Search<'_, '_> {
    /// Whether a value is a pair of its own, whose name says that it is no secret: `Created
    /// token: accessor_id=x`.
    fn is_pair(&self, word: &[u8]) -> bool {
        let Some(sign) = memchr::memchr(b'=', word) else { return false };
        let (name, value) = word.split_at(sign);
        1 < name.len()
            && 1 < value.len()
            && value.get(1) != Some(&b'=')
            && name.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'_')
            && self.detector.keys.classify(name) == Class::NotSecret
    }

    /// Whether the word before a key says that it is none of secrets: `page token`, `cache
    /// key`.
    fn is_other_key(&self, text: &[u8], key: &Range<usize>) -> bool {
        let before = text.get(key.start.saturating_sub(OTHER_WORD_MAX)..key.start);
        let Some(before) = before.and_then(|before| before.strip_suffix(b" ")) else {
            return false;
        };
        let word = before.iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let name = text.get(key.start - 1 - word..key.end).unwrap_or_default();
        0 < word && self.detector.keys.classify(name) == Class::NotSecret
    }
}

/// How long a word before a key may be, with the blank.
const OTHER_WORD_MAX: usize = 24;

/// Where the bracket is closed that a value begins with; a mask has brackets, too.
fn closing_bracket(value: &[u8]) -> Option<usize> {
    let mut open = 0_usize;
    memchr::memchr2_iter(b'[', b']', value).find(|&at| {
        match value.get(at) {
            Some(b'[') => open += 1,
            _ => open = open.saturating_sub(1),
        }
        open == 0
    })
}
