// What must hold for any bytes that the half that waits reads: compressed bodies,
// headers of authentication, files of queues, answers of upstreams, configurations.
// `include!`d by the fuzz targets and by the test that replays what they found.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::Mutex;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use otel_redact::gateway::admission::Budget;
use otel_redact::gateway::answer::wire;
use otel_redact::gateway::auth::Server;
use otel_redact::gateway::auth::basic;
use otel_redact::gateway::auth::bearer;
use otel_redact::gateway::auth::oidc;
use otel_redact::gateway::compression::Coding;
use otel_redact::gateway::config::Config;
use otel_redact::gateway::config::environment::Environment;
use otel_redact::gateway::config::secret::Secret;
use otel_redact::gateway::queue::files::Files;
use otel_redact::gateway::queue::log::Log;
use otel_redact::gateway::queue::log::ReadError;
use otel_redact::gateway::queue::record;
use otel_redact::gateway::queue::record::Head;
use otel_redact::scrub::Scrubbed;

/// A compressed body, whose first byte chooses how: it is refused, or no larger than it
/// may be, and comes back when it is compressed again.
fn check_content(input: &[u8]) {
    const BYTES_MAX: usize = 1 << 20;
    let Some((first, packed)) = input.split_first() else { return };
    let codings = [Coding::Gzip, Coding::Zstd, Coding::Zlib];
    let Some(coding) = codings.get(usize::from(first % 3)) else { return };
    let budget = Budget::new(8 << 20);
    let unpack = |packed: &[u8]| {
        let mut grant = budget.admit(0).expect("there is room");
        let bytes = coding.decompress(packed, BYTES_MAX, &mut grant);
        assert!(bytes.iter().all(|bytes| bytes.len() <= budget.used_bytes()), "not admitted");
        bytes
    };
    let Ok(bytes) = unpack(packed) else { return };
    assert!(bytes.len() <= BYTES_MAX);
    assert_eq!(unpack(&coding.compress(&bytes, None)), Ok(bytes));
}

const USER: &str = "ann:correct horse";
const TOKEN: &str = "battery-staple";

/// Who judges requests, and a runtime for it.
struct Door {
    runtime: tokio::runtime::Runtime,
    bearer: Server,
    basic: Server,
    oidc: Server,
}

static DOOR: LazyLock<Door> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("the system gives a runtime");
    let secret = |text: &str| Some(Secret::new(text.to_owned()));
    let bearer = bearer::Config { token: secret(TOKEN), ..bearer::Config::default() };
    let hash = bcrypt::hash("correct horse", 4).expect("the cost is allowed");
    let htpasswd = basic::Htpasswd { inline: secret(&format!("ann:{hash}")), file: None };
    let basic = basic::Config { htpasswd: Some(htpasswd), client_auth: None };
    // Nobody listens there, so that no token is ever right.
    let oidc = oidc::Config {
        issuer_url: "http://127.0.0.1:9/".to_owned(),
        audience: "us".to_owned(),
        ..oidc::Config::default()
    };
    let bearer = bearer::Tokens::build(&bearer, "").expect("the settings are good");
    let basic = basic::Users::build(&basic, "").expect("the settings are good");
    let oidc = oidc::Providers::build(&oidc, "").expect("the settings are good");
    Door {
        runtime,
        bearer: Server::Bearer(bearer.into()),
        basic: Server::Basic(basic.expect("there are users").into()),
        oidc: Server::Oidc(oidc.into()),
    }
});

/// Only who shows what is right comes in.
fn check_auth(input: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(input) else { return };
    let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
    let comes_in = |server: &Server| DOOR.runtime.block_on(server.check(&headers)).is_ok();
    assert!(!comes_in(&DOOR.bearer) || input.ends_with(TOKEN.as_bytes()));
    let user = BASE64_STANDARD.encode(USER);
    assert!(!comes_in(&DOOR.basic) || input.trim_ascii().ends_with(user.as_bytes()));
    assert!(!comes_in(&DOOR.oidc));
}

/// The files of a queue, in memory.
#[derive(Default)]
struct Memory(Mutex<BTreeMap<String, Vec<u8>>>);

impl Memory {
    fn with<T>(&self, run: impl FnOnce(&mut BTreeMap<String, Vec<u8>>) -> T) -> T {
        run(&mut self.0.lock().expect("nothing panics while it is held"))
    }
}

impl Files for Memory {
    type Handle = String;

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let entry = |(name, bytes): (&String, &Vec<u8>)| (name.clone(), bytes.len() as u64);
        Ok(self.with(|files| files.iter().map(entry).collect()))
    }

    fn create(&self, name: &str) -> io::Result<String> {
        self.with(|files| match files.insert(name.to_owned(), Vec::new()) {
            None => Ok(name.to_owned()),
            Some(old) => {
                files.insert(name.to_owned(), old);
                Err(io::ErrorKind::AlreadyExists.into())
            }
        })
    }

    fn open(&self, name: &str) -> io::Result<String> {
        self.with(|files| _ = files.entry(name.to_owned()).or_default());
        Ok(name.to_owned())
    }

    fn write(&self, file: &mut String, at: u64, pieces: &[&[u8]]) -> io::Result<()> {
        let (at, bytes) = (usize::try_from(at).expect("small"), pieces.concat());
        self.with(|files| {
            let file = files.entry(file.clone()).or_default();
            file.resize(file.len().max(at + bytes.len()), 0);
            file.splice(at..at + bytes.len(), bytes);
        });
        Ok(())
    }

    fn truncate(&self, file: &mut String, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).expect("small");
        self.with(|files| files.entry(file.clone()).or_default().truncate(len));
        Ok(())
    }

    fn sync(&self, _file: &String) -> io::Result<()> {
        Ok(())
    }

    fn sync_folder(&self) -> io::Result<()> {
        Ok(())
    }

    fn read(&self, name: &str, at: u64, len: usize) -> io::Result<Vec<u8>> {
        let at = usize::try_from(at).expect("small");
        self.with(|files| {
            let bytes = files.get(name).ok_or(io::ErrorKind::NotFound)?;
            Ok(bytes.iter().skip(at).take(len).copied().collect())
        })
    }

    fn stands(&self, name: &str, _file: &String) -> bool {
        self.with(|files| files.contains_key(name))
    }

    fn make_folder(&self) -> io::Result<()> {
        Ok(())
    }

    fn renew(&self, name: &str, _file: &String, _len: u64) -> io::Result<String> {
        // A name is all that there is of a file.
        self.open(name)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let removed = self.with(|files| files.remove(name));
        removed.map(drop).ok_or(io::ErrorKind::NotFound.into())
    }
}

/// A segment of a queue, and the marks beside it: whatever they hold, the log opens, gives
/// what is sound, finds the same at the next start, and lets go of it.
///
/// The first byte says whether the rest is the files, or what heads with right checksums
/// say of what stands behind them.
fn check_segment(input: &[u8]) {
    let Some(([first, marks], rest)) = input.split_first_chunk::<2>() else { return };
    let (rest, done) = rest.split_at(rest.len() - usize::from(*marks).min(rest.len()));
    let segment = if first % 2 == 0 { rest.to_vec() } else { written(rest) };
    let files = Arc::new(Memory::default());
    files.with(|files| {
        files.insert(record::segment_name(1), segment);
        files.insert(record::marks_name(1), done.to_vec());
    });
    let open = || Log::open(Arc::clone(&files), 1 << 20, 0, None).expect("damage is no error");
    let (_, found) = open();
    assert!(found.entries.is_sorted_by(|one, next| one.offset < next.offset));
    for entry in &found.entries {
        match Log::read(&files, entry) {
            Ok((bytes, _)) => {
                assert_eq!(bytes.len(), entry.len as usize);
                if let Ok(request) = Scrubbed::unseal(bytes.clone().into()) {
                    assert_eq!([request.seal(), request.bytes().clone()].concat(), bytes);
                }
            }
            Err(error) => assert!(matches!(error, ReadError::Damaged), "{error}"),
        }
    }
    let (mut log, again) = open();
    assert_eq!((again.entries, again.set_aside), (found.entries.clone(), 0));
    log.done(&found.entries);
    assert!(open().1.entries.is_empty(), "what is done comes again");
}

/// Records with heads that are right in themselves: pieces of `plan`, each behind four
/// bytes that say what its head claims.
fn written(mut plan: &[u8]) -> Vec<u8> {
    let mut bytes = record::segment_head(7).to_vec();
    while let Some(([kind, number, len, claimed], rest)) = plan.split_first_chunk::<4>() {
        let (content, rest) = rest.split_at(usize::from(*len).min(rest.len()));
        let head = Head {
            segment_id: 7 + u64::from(kind & 1),
            number: u32::from(*number),
            len: match kind & 6 {
                0 => content.len() as u32,
                2 => u32::from(*claimed),
                4 => u32::MAX - u32::from(*claimed),
                _ => record::RECORD_BYTES_MAX as u32,
            },
            items: u32::from(*claimed),
            time_ms: 0,
            checksum: if kind & 8 == 0 { crc32fast::hash(content) } else { 0 },
            encrypted: kind & 16 != 0,
        };
        bytes.extend(head.to_bytes());
        bytes.extend(content);
        plan = rest;
    }
    bytes
}

/// What an upstream says: read, or not.
fn check_answer(input: &[u8]) {
    let _ = wire::read_status(input);
    let json = wire::partial_success_json(input);
    for partial in [wire::partial_success(input), json].into_iter().flatten() {
        let again = wire::partial_success(&wire::export_response(Some(&partial)));
        assert_eq!(again, Some(partial));
    }
    let _ = wire::is_export_response(input);
    let whole = wire::export_response(wire::partial_success(input).as_ref());
    assert!(wire::is_export_response(&whole));
}

/// A configuration: read, or there is a fault with words in it.
fn check_config(input: &[u8]) {
    struct Only<'t>(&'t str);

    impl Environment for Only<'_> {
        fn variable(&self, name: &str) -> Option<String> {
            (name == "YAML").then(|| self.0.to_owned())
        }

        fn file(&self, _path: &str) -> io::Result<String> {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Err(fault) = Config::load(&["env:YAML".to_owned()], &[], &Only(text)) {
        assert!(!fault.to_string().is_empty());
    }
}
