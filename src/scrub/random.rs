//! Tells random text from text that people wrote.
//!
//! Two descriptions of a text compete: characters drawn evenly from the smallest
//! alphabet that holds them all, and a small model of what people write in
//! programs and in sentences. The text is random where the first needs clearly
//! fewer bits. Length takes care of itself: the difference grows with it.
//!
//! The model has two tables. One says how classes of characters follow each
//! other (after a small letter a small letter is likely, a digit is not); the
//! other how letters follow each other within a word, whatever their case. Both
//! were counted over the identifiers, paths and sentences of some nine thousand
//! source files, which write snake case; so the step from a small letter to a
//! capital was made cheaper by hand, as JSON and Java would have it. A cost is in
//! half bits, written as a letter from `a` for none.
//!
//! Deliberately absent: word lists. They are large, and always lack a word.

/// By how many half bits the even description must be the shorter one. Set where
/// both kinds of error are near one in a hundred for texts of eight characters.
const MARGIN_HALF_BITS: u32 = 8;

/// Longer texts are judged by their beginning, in bytes.
const JUDGED_LEN_MAX: usize = 256;

/// The shortest tail that is judged without what stands before it, in bytes.
const TAIL_LEN_MIN: usize = 16;

/// The classes of characters: the columns of [`CLASS_COSTS`].
const LOWER: usize = 0;
const UPPER: usize = 1;
const DIGIT: usize = 2;
const JOINER: usize = 3;
const POINT: usize = 4;
const BLANK: usize = 5;
const OTHER: usize = 6;
/// The row of a text's first character.
const START: usize = 7;

/// What the next class costs after each class, and at the start.
#[rustfmt::skip]
const CLASS_COSTS: [[u8; 7]; 8] = [
    *b"bipjjiz",
    *b"fbmgkpz",
    *b"hkbggzz",
    *b"bdklvzz",
    *b"cgkqdzz",
    *b"bhzzzhz",
    *b"ggggggg",
    *b"bdmklzz",
];

/// The row of a word's first letter.
const WORD_START: usize = 26;

/// What a letter costs after each letter, and at the start of a word.
#[rustfmt::skip]
const LETTER_COSTS: [[u8; 26]; 27] = [
    *b"tkiisokukxngjgxjxghfmonmmt",
    *b"hrlqgsswfnvfpuhpzjklgrwwhw",
    *b"hsmqgqrgkzijnrenshlhlpwsoz",
    *b"iqpjdnjpgtrkqrinujinkosrlz",
    *b"iqihmlntpvsikgqmnfghqmnjnz",
    *b"isolhioxfzzgnkfpwhjljyswnz",
    *b"kqptdsmjgzwknijqwhhmjttvpr",
    *b"fttpdttvgzsqnshrzkogiypznt",
    *b"kmijkjkzsyqjjehlwmhgwlwnzk",
    *b"isqtdtvpjxnxszflztfphytyxw",
    *b"kqoocpptezwoqkopvnimoqrpsu",
    *b"gqrjfhqvfzrhstgozrkjjqszkw",
    *b"flomesruhztlkqigusknhtvxpv",
    *b"jsiggkgtjvmkrlinxohflmrxnv",
    *b"nnijqkmwnrljhfljzfkjimjqvy",
    *b"ftopgqqmjzphqthjwgihhotunz",
    *b"opmnlrovpzupoonqsomrasqzvq",
    *b"gsllenlvhznomlgoxjiikmqskz",
    *b"ksjqespjhymmoqjjuoiejrrvku",
    *b"hulnfovggzvmoshkzgkjkurpjz",
    *b"mhjmikmzjzzhigqizhggvxzozt",
    *b"etmpcmprfzynmplrvqnptyvmwu",
    *b"gropgsrheztnqhiqugkouzntwz",
    *b"iqilhnspjzwlnrneqpmdlptonz",
    *b"llnskqtrlzvjkgjezoffxupzrs",
    *b"jupsbqstkzunqvovrzhvsvxxlm",
    *b"ijhjjjllisnkjkkirighkllpsq",
];

/// Whether a text of eight and more characters looks drawn at random, as keys
/// and tokens are, rather than written by a person: a word, a name in any case,
/// a path, a sentence, a date, a version, a number.
///
/// Shorter texts are never random: too little stands in them to tell.
pub fn looks_random(text: &[u8]) -> bool {
    let text = text.get(..JUDGED_LEN_MAX).unwrap_or(text);
    if is_random(text) {
        return true;
    }
    // A prefix of words (`key-`, `prod_db_`) must not talk a long tail down.
    let is_path = text.iter().any(|byte| matches!(byte, b'/' | b' '));
    !is_path
        && text.iter().enumerate().any(|(at, byte)| {
            let tail = text.get(at + 1..).unwrap_or_default();
            matches!(byte, b'-' | b'_' | b'.' | b':')
                && TAIL_LEN_MIN <= tail.len()
                && is_random(tail)
        })
}

fn is_random(text: &[u8]) -> bool {
    if text.len() < 8 || text.iter().all(u8::is_ascii_digit) || repeats(text) {
        return false;
    }
    even_cost(text).is_some_and(|even| even + MARGIN_HALF_BITS < written_cost(text))
}

/// Fewer than a third as many different characters as a random text has: `xxxx`,
/// `0000-0000`, `AbAbAb`.
fn repeats(text: &[u8]) -> bool {
    let mut seen = [false; 256];
    for byte in text {
        if let Some(slot) = seen.get_mut(usize::from(*byte)) {
            *slot = true;
        }
    }
    let different = seen.iter().filter(|seen| **seen).count();
    different * 3 < text.len().min(15)
}

/// Half bits for a text whose characters are drawn evenly from one alphabet.
fn even_cost(text: &[u8]) -> Option<u32> {
    if is_uuid(text) {
        // The four hyphens always stand where they stand.
        return Some(32 * 8);
    }
    let all = |test: fn(&u8) -> bool| text.iter().all(test);
    // Twice the binary logarithm of the alphabet's size, in hundredths.
    let hundredths = if all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        || all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'))
    {
        800
    } else if all(u8::is_ascii_lowercase) || all(u8::is_ascii_uppercase) {
        940
    } else if all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z'))
        || all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'Z'))
    {
        1034
    } else if all(u8::is_ascii_alphabetic) {
        1140
    } else if all(u8::is_ascii_alphanumeric) {
        1191
    } else if all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        || all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
    {
        1200
    } else if all(|byte| matches!(byte, b'!'..=b'~')) {
        1231
    } else {
        return None;
    };
    u32::try_from(text.len() * hundredths / 100).ok()
}

/// Whether a text is a UUID (RFC 9562 §4).
pub fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Half bits for a text as people write.
fn written_cost(text: &[u8]) -> u32 {
    let (mut cost, mut before, mut letter_before) = (0, START, WORD_START);
    for byte in text {
        let class = class_of(*byte);
        cost += cost_at(CLASS_COSTS.get(before).map(<[u8; 7]>::as_slice), class);
        if class <= UPPER {
            let letter = usize::from(byte.to_ascii_lowercase() - b'a');
            let goes_on = before <= UPPER && !(before == LOWER && class == UPPER);
            let row = if goes_on { letter_before } else { WORD_START };
            cost += cost_at(LETTER_COSTS.get(row).map(<[u8; 26]>::as_slice), letter);
            letter_before = letter;
        }
        // Which one of the class it is.
        cost += match class {
            DIGIT => 7,
            JOINER | BLANK => 2,
            POINT => 3,
            OTHER => 8,
            _ => 0,
        };
        before = class;
    }
    cost
}

fn cost_at(row: Option<&[u8]>, column: usize) -> u32 {
    let letter = row.and_then(|row| row.get(column)).copied().unwrap_or(b'z');
    u32::from(letter.saturating_sub(b'a'))
}

fn class_of(byte: u8) -> usize {
    match byte {
        b'a'..=b'z' => LOWER,
        b'A'..=b'Z' => UPPER,
        b'0'..=b'9' => DIGIT,
        b'-' | b'_' => JOINER,
        b'.' | b'/' | b':' => POINT,
        b' ' | b',' => BLANK,
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::looks_random;
    use crate::scrub::rule::template::expand;

    /// What people write, a blank between.
    const WRITTEN: &str = "
        authorization application production development configuration environment
        administrator undefined placeholder connection-string my-secret-name
        your-api-key-here some_long_identifier_name getUserByIdAndName
        HTTPServerConnection MAX_RETRY_COUNT DATABASE_CONNECTION_STRING
        io.opentelemetry.instrumentation com.example.MyService
        /usr/local/lib/python3.12/site-packages src/main/resources/application.yml
        https://example.com/path/to/page http://localhost:8080/healthz
        2024-01-15T10:30:00Z 2024-01-15 10:30:00.123 v1.28.3-beta.1 1.2.3.4
        127.0.0.1:4317 12345678 1700000000000 us-east-1 eu-central-1a
        gpt-4o-mini claude-sonnet-4-5 text-embedding-3-small llama-3.1-70b-instruct
        application/json text/html;charset=utf-8 multipart/form-data
        kubernetes.io/service-account order-service checkout-frontend
        user@example.com firstname.lastname@example.org
        SELECT_FROM_WHERE processPaymentRequest initializeApplicationContext
        internal_server_error invalid_grant unsupported_grant_type
        authorization_code client_credentials refresh_token password-reset-required
        TooManyRequests NoSuchElementException IllegalArgumentException
        abababababab xxxxxxxxxxxxxxxx 0000000000000000 --------------------
        AAAAAAAAAAAAAAAAAAAAAAAA correct-horse-battery-staple
        session_timeout_minutes feature-flag-enabled primary_key_column
        spring-boot-starter-web node_modules/express/lib/router/index.js
        internationalization transaction-isolation-level shipping_address_line
        accountBalanceHistory RequestHandlerFactory";

    #[test]
    fn what_people_write_is_not_random() {
        let written: Vec<&str> = WRITTEN.split_whitespace().collect();
        assert!(60 <= written.len(), "{}", written.len());
        let wrong: Vec<_> = written.iter().filter(|text| looks_random(text.as_bytes())).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        assert!(!looks_random(b"the quick brown fox jumps over the lazy dog"));
    }

    #[test]
    fn keys_and_tokens_are_random() {
        let templates = [
            "{base62:12}",
            "{base62:16}",
            "{base62:24}",
            "{base62:40}",
            "{hex-lower:16}",
            "{hex-lower:32}",
            "{hex-lower:40}",
            "{hex-upper:32}",
            "{base64url:22}",
            "{base64url:43}",
            "{base36-lower:20}",
            "{base36-upper:20}",
            "{base32-lower:26}",
            "{uuid}",
            "{alpha:34}",
            "{base64:40}==",
            "{jwt}",
            "key-{hex-lower:32}",
        ];
        for template in templates {
            for seed in 0..20 {
                let text = expand(template, seed).expect("sound");
                assert!(looks_random(text.as_bytes()), "{template} {seed}: {text}");
            }
        }
    }

    /// Counts over many lengths: at most one random text in a hundred is missed.
    #[test]
    fn few_random_texts_are_missed_at_any_length() {
        for alphabet in ["base62", "hex-lower", "base64url", "base36-lower", "base32-lower"] {
            let mut missed = 0;
            for seed in 0..2000 {
                let len = 8 + seed % 33;
                let text = expand(&format!("{{{alphabet}:{len}}}"), seed).expect("sound");
                missed += u32::from(!looks_random(text.as_bytes()));
            }
            assert!(missed < 20, "{alphabet}: {missed} of 2000");
        }
    }
}
