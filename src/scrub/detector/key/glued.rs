//! Splits a telling word off a name that is written without separators: `vpnpassword`.

use crate::scrub::detector::key::Folded;
use crate::scrub::detector::key::WORDS_MAX;

/// Words that tell at the end of any other, and words before them with which they tell of no
/// value: what is done to the secret, or asked about it.
const ENDS: [&[u8]; 8] = [
    b"password",
    b"passwd",
    b"passphrase",
    b"secret",
    b"token",
    b"apikey",
    b"credential",
    b"credentials",
];
const ASKING: [&[u8]; 40] = [
    b"no",
    b"non",
    b"is",
    b"has",
    b"get",
    b"set",
    b"use",
    b"new",
    b"old",
    b"show",
    b"hide",
    b"save",
    b"lost",
    b"reset",
    b"check",
    b"store",
    b"wrong",
    b"enter",
    b"change",
    b"update",
    b"create",
    b"delete",
    b"forgot",
    b"forget",
    b"verify",
    b"toggle",
    b"require",
    b"recover",
    b"invalid",
    b"missing",
    b"compare",
    b"confirm",
    b"generate",
    b"validate",
    b"remember",
    b"without",
    b"encode",
    b"decode",
    b"hash",
    b"parse",
];

/// Short words that tell only behind the name of what asks for a password.
const SHORT_ENDS: [&[u8]; 3] = [b"pass", b"pwd", b"pw"];
const OWNERS: [&[u8]; 64] = [
    b"admin",
    b"root",
    b"user",
    b"my",
    b"app",
    b"api",
    b"svc",
    b"service",
    b"db",
    b"sql",
    b"mysql",
    b"maria",
    b"mariadb",
    b"pg",
    b"postgres",
    b"oracle",
    b"mssql",
    b"mongo",
    b"mongodb",
    b"redis",
    b"rabbit",
    b"rabbitmq",
    b"kafka",
    b"sasl",
    b"ldap",
    b"bind",
    b"ldapbind",
    b"smtp",
    b"imap",
    b"pop",
    b"mail",
    b"email",
    b"ftp",
    b"sftp",
    b"ssh",
    b"ssl",
    b"tls",
    b"http",
    b"https",
    b"proxy",
    b"vpn",
    b"wifi",
    b"wlan",
    b"ppp",
    b"pppoe",
    b"sip",
    b"rdp",
    b"vnc",
    b"smb",
    b"nas",
    b"ipmi",
    b"bmc",
    b"snmp",
    b"gpg",
    b"pfx",
    b"jks",
    b"cert",
    b"keystore",
    b"truststore",
    b"vault",
    b"sudo",
    b"become",
    b"client",
    b"server",
];

/// Splits the last word, if it ends in one that tells. `false`: it does not.
pub(super) fn split(name: &mut Folded) -> bool {
    let Some(last) = name.words.checked_sub(1).filter(|last| last + 1 < WORDS_MAX) else {
        return false;
    };
    let word = name.run(last, name.words);
    let head = |end: &&[u8]| word.strip_suffix(*end).filter(|head| 2 <= head.len());
    let long = ENDS.iter().find_map(head).filter(|head| !ASKING.contains(head));
    let head =
        long.or_else(|| SHORT_ENDS.iter().find_map(head).filter(|head| OWNERS.contains(head)));
    let Some(len) = head.map(<[u8]>::len) else { return false };
    let start = last.checked_sub(1).and_then(|before| name.ends.get(before)).copied();
    let (Some(&end), Ok(len)) = (name.ends.get(last), u8::try_from(len)) else { return false };
    if let Some([split, behind]) = name.ends.get_mut(last..last + 2) {
        (*split, *behind) = (start.unwrap_or_default() + len, end);
        name.words += 1;
    }
    true
}
