//! Statements and conditions as trees, by the grammar in contrib
//! `pkg/ottl/grammar.go`. Arithmetic, lambdas and maps in braces are left out.

use crate::scrub::ottl::Fault;
use crate::scrub::ottl::token::Token;
use crate::scrub::ottl::token::Word;
use crate::scrub::ottl::token::tokens;

/// `editor(arguments) where condition`
#[derive(Clone, Debug)]
pub(in crate::scrub::ottl) struct Statement {
    pub(in crate::scrub::ottl) editor: Call,
    pub(in crate::scrub::ottl) condition: Option<Condition>,
}

/// What is true or not.
#[derive(Clone, Debug)]
pub(in crate::scrub::ottl) enum Condition {
    Any(Vec<Condition>),
    All(Vec<Condition>),
    Not(Box<Condition>),
    Const(bool),
    Call(Call),
    Compare(Expr, &'static str, Expr),
}

/// A value.
#[derive(Clone, Debug)]
pub(in crate::scrub::ottl) enum Expr {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Vec<u8>),
    Bytes(Vec<u8>),
    /// A name in capitals: of a number, or of a function that is an argument.
    Name(String, usize),
    List(Vec<Expr>),
    Path(Path),
    Call(Call),
}

/// A function and its arguments.
#[derive(Clone, Debug)]
pub(in crate::scrub::ottl) struct Call {
    pub(in crate::scrub::ottl) name: String,
    pub(in crate::scrub::ottl) at: usize,
    pub(in crate::scrub::ottl) arguments: Vec<Argument>,
}

/// An argument, with its name where it has one.
#[derive(Clone, Debug)]
pub(in crate::scrub::ottl) struct Argument {
    pub(in crate::scrub::ottl) name: Option<String>,
    pub(in crate::scrub::ottl) value: Expr,
    pub(in crate::scrub::ottl) at: usize,
}

/// `span.attributes["key"]`
#[derive(Clone, Debug)]
pub(in crate::scrub::ottl) struct Path {
    pub(in crate::scrub::ottl) at: usize,
    /// The names between dots.
    pub(in crate::scrub::ottl) names: Vec<String>,
    /// What stands in brackets behind the last.
    pub(in crate::scrub::ottl) keys: Vec<Key>,
}

/// What stands in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::scrub::ottl) enum Key {
    Text(Vec<u8>),
    Index(i64),
}

/// How deep conditions and lists may stand within each other.
const DEPTH_MAX: usize = 64;

/// Parses `editor(…) where …`.
///
/// # Errors
///
/// The first word that does not fit.
pub(in crate::scrub::ottl) fn statement(text: &str) -> Result<Statement, Fault> {
    let mut parser = Parser::new(text)?;
    let at = parser.at();
    let editor = match parser.next() {
        Some(Word::Lower(name)) if parser.peeks("(") => parser.call(name, at)?,
        Some(Word::Upper(_)) => {
            return Err(Fault::new("expected an editor, which begins with a small letter", at));
        }
        _ => return Err(Fault::new("expected an editor such as replace_pattern(…)", at)),
    };
    let condition = match parser.takes_word("where") {
        true => Some(parser.condition(0)?),
        false => None,
    };
    parser.end()?;
    Ok(Statement { editor, condition })
}

/// Parses a condition.
///
/// # Errors
///
/// The first word that does not fit.
pub(in crate::scrub::ottl) fn condition(text: &str) -> Result<Condition, Fault> {
    let mut parser = Parser::new(text)?;
    let condition = parser.condition(0)?;
    parser.end()?;
    Ok(condition)
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    /// The character behind the last.
    end: usize,
}

impl Parser {
    fn new(text: &str) -> Result<Self, Fault> {
        Ok(Self { tokens: tokens(text)?, next: 0, end: text.chars().count() + 1 })
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(self.end, |token| token.at)
    }

    fn peek(&self) -> Option<&Word> {
        self.tokens.get(self.next).map(|token| &token.word)
    }

    fn next(&mut self) -> Option<Word> {
        let word = self.peek().cloned();
        self.next += 1;
        word
    }

    fn peeks(&self, sign: &str) -> bool {
        matches!(self.peek(), Some(Word::Sign(next)) if *next == sign)
    }

    fn takes(&mut self, sign: &str) -> bool {
        let is_next = self.peeks(sign);
        self.next += usize::from(is_next);
        is_next
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is_next = matches!(self.peek(), Some(Word::Lower(next)) if next == word);
        self.next += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, sign: &str) -> Result<(), Fault> {
        let at = self.at();
        match self.takes(sign) {
            true => Ok(()),
            false => Err(Fault::new(&format!("expected `{sign}`"), at)),
        }
    }

    fn end(&self) -> Result<(), Fault> {
        match self.peek() {
            None => Ok(()),
            Some(Word::Sign("+" | "-" | "*" | "/")) => Err(arithmetic(self.at())),
            Some(_) => Err(Fault::new("expected nothing more", self.at())),
        }
    }

    fn condition(&mut self, depth: usize) -> Result<Condition, Fault> {
        if DEPTH_MAX < depth {
            return Err(Fault::new("this is nested too deep", self.at()));
        }
        let mut any = vec![self.all(depth)?];
        while self.takes_word("or") {
            any.push(self.all(depth)?);
        }
        Ok(Condition::Any(any))
    }

    fn all(&mut self, depth: usize) -> Result<Condition, Fault> {
        let mut all = vec![self.one(depth)?];
        while self.takes_word("and") {
            all.push(self.one(depth)?);
        }
        Ok(Condition::All(all))
    }

    fn one(&mut self, depth: usize) -> Result<Condition, Fault> {
        if self.takes_word("not") {
            return Ok(Condition::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.takes("(") {
            let inner = self.condition(depth + 1)?;
            self.expect(")")?;
            return Ok(inner);
        }
        let at = self.at();
        let left = self.value(depth)?;
        let comparison = ["==", "!=", "<=", ">=", "<", ">"].into_iter();
        let comparison = comparison.into_iter().find(|sign| self.peeks(sign));
        if let Some(sign) = comparison {
            self.next += 1;
            return Ok(Condition::Compare(left, sign, self.value(depth)?));
        }
        match left {
            Expr::Bool(value) => Ok(Condition::Const(value)),
            Expr::Call(call) => Ok(Condition::Call(call)),
            _ if matches!(self.peek(), Some(Word::Sign("+" | "-" | "*" | "/"))) => {
                Err(arithmetic(self.at()))
            }
            _ => Err(Fault::new("expected a condition", at)
                .advised("compare it: `path == \"text\"`, `path != nil`, IsMatch(path, \"…\")")),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Expr, Fault> {
        if DEPTH_MAX < depth {
            return Err(Fault::new("this is nested too deep", self.at()));
        }
        let at = self.at();
        let fault = || Fault::new("expected a value: a text, a number, a path, a function", at);
        Ok(match self.next().ok_or_else(fault)? {
            Word::Text(text) => Expr::Text(text),
            Word::Int(value) => Expr::Int(value),
            Word::Float(value) => Expr::Float(value),
            Word::Bytes(bytes) => Expr::Bytes(bytes),
            Word::Upper(name) if self.peeks("(") => {
                let call = self.call(name, at)?;
                if self.peeks("[") {
                    return Err(Fault::new(
                        "what a function gives cannot be indexed here",
                        self.at(),
                    ));
                }
                Expr::Call(call)
            }
            Word::Upper(name) => Expr::Name(name, at),
            Word::Lower(name) => match name.as_str() {
                "nil" => Expr::Nil,
                "true" => Expr::Bool(true),
                "false" => Expr::Bool(false),
                _ if self.peeks("(") => {
                    return Err(Fault::new("an editor is no value", at)
                        .advised("functions that give one begin with a capital"));
                }
                _ => Expr::Path(self.path(name, at)?),
            },
            Word::Sign("-") => match self.next() {
                Some(Word::Int(value)) => Expr::Int(-value),
                Some(Word::Float(value)) => Expr::Float(-value),
                _ => return Err(arithmetic(at)),
            },
            Word::Sign("[") => {
                let mut values = Vec::new();
                while !self.takes("]") {
                    if !values.is_empty() {
                        self.expect(",")?;
                    }
                    values.push(self.value(depth + 1)?);
                }
                Expr::List(values)
            }
            Word::Sign("{") => {
                return Err(Fault::new("maps in braces are not here", at)
                    .advised("set one key after the other"));
            }
            Word::Sign(_) => return Err(fault()),
        })
    }

    fn path(&mut self, first: String, at: usize) -> Result<Path, Fault> {
        let mut path = Path { at, names: vec![first], keys: Vec::new() };
        loop {
            if self.takes("[") {
                let at = self.at();
                let key = match self.next() {
                    Some(Word::Text(text)) => Key::Text(text),
                    Some(Word::Int(index)) => Key::Index(index),
                    _ => {
                        return Err(Fault::new("expected a text or a number in brackets", at)
                            .advised("keys that are computed are not here"));
                    }
                };
                path.keys.push(key);
                self.expect("]")?;
            } else if self.peeks(".") {
                if !path.keys.is_empty() {
                    return Err(Fault::new("expected nothing behind the brackets", self.at()));
                }
                self.next += 1;
                let at = self.at();
                match self.next() {
                    Some(Word::Lower(name)) => path.names.push(name),
                    _ => return Err(Fault::new("expected a name behind the dot", at)),
                }
            } else {
                return Ok(path);
            }
        }
    }

    /// A call from its bracket on.
    fn call(&mut self, name: String, at: usize) -> Result<Call, Fault> {
        self.expect("(")?;
        let mut arguments = Vec::new();
        while !self.takes(")") {
            if !arguments.is_empty() {
                self.expect(",")?;
            }
            let at = self.at();
            let name = match (self.peek(), self.tokens.get(self.next + 1).map(|next| &next.word)) {
                (Some(Word::Lower(name)), Some(Word::Sign("="))) => {
                    let name = name.clone();
                    self.next += 2;
                    Some(name)
                }
                _ => None,
            };
            let value = self.value(1)?;
            if let Some(Word::Sign("+" | "-" | "*" | "/")) = self.peek() {
                return Err(arithmetic(self.at()));
            }
            arguments.push(Argument { name, value, at });
        }
        Ok(Call { name, at, arguments })
    }
}

fn arithmetic(at: usize) -> Fault {
    Fault::new("arithmetic is not here", at).advised("write the result")
}
