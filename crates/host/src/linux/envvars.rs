//! The variables of Debian's Apache, from the file that its scripts read them from.

use std::collections::BTreeMap;

use stopgap_model::ServerPath;

use crate::host::Read;
use crate::unix::UnixFiles;

/// The largest file of variables that is read, in bytes; Debian's has 2 kB.
const MAX_ENVVARS: u64 = 64 * 1024;

/// The variables that an Apache with this `ServerRoot` is started with, where Debian's scripts
/// start it. None where there is no such file.
pub(crate) fn apache_variables(files: &UnixFiles, base: &ServerPath) -> BTreeMap<String, String> {
    match files.read(&base.join("envvars"), MAX_ENVVARS) {
        Read::Found(bytes) => variables(&String::from_utf8_lossy(&bytes), base.as_str()),
        Read::Absent | Read::Unreadable(_) => BTreeMap::new(),
    }
}

/// What the lines `export NAME=value` and `: ${NAME:=value}` set. It is a shell script, and it is
/// not run: what takes a shell to know is left out, and Apache's own test tells what is missing.
fn variables(script: &str, folder: &str) -> BTreeMap<String, String> {
    // What the script computes at its head: instances beside the first one have a suffix.
    let suffix = folder.strip_prefix("/etc/apache2-").map(|name| format!("-{name}"));
    let mut known = BTreeMap::from([
        ("SUFFIX".to_owned(), suffix.unwrap_or_default()),
        ("APACHE_CONFDIR".to_owned(), folder.to_owned()),
    ]);
    for line in script.lines() {
        let line = line.trim();
        let default = line.strip_prefix(": ${").and_then(|rest| rest.strip_suffix('}'));
        let set = match default {
            Some(text) => text.split_once(":="),
            None => line.strip_prefix("export ").and_then(|rest| rest.trim_start().split_once('=')),
        };
        if let Some((name, value)) = set.filter(|(name, _)| is_name(name))
            && let Some(value) = expanded(value, &known)
        {
            known.insert(name.to_owned(), value);
        }
    }
    known.remove("SUFFIX");
    known
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A value without its quotes and with its variables put in; `None` if it takes a shell.
fn expanded(value: &str, known: &BTreeMap<String, String>) -> Option<String> {
    let unquoted = |quote| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    if let Some(literal) = unquoted('\'') {
        return (!literal.contains('\'')).then(|| literal.to_owned());
    }
    let mut left = unquoted('"').unwrap_or(value);
    if left.contains(['"', '\'', '`', '\\', ';', '#', '&', '|']) {
        return None;
    }
    let mut text = String::new();
    while let Some((before, after)) = left.split_once('$') {
        text.push_str(before);
        let (name, rest) = match after.strip_prefix('{') {
            Some(braced) => braced.split_once('}')?,
            None => {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                after.split_at(end.unwrap_or(after.len()))
            }
        };
        if !is_name(name) {
            return None;
        }
        text.push_str(known.get(name).map_or("", String::as_str));
        left = rest;
    }
    text.push_str(left);
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBIAN: &str = "unset HOME\n\
        if [ \"${APACHE_CONFDIR##/etc/apache2-}\" != \"${APACHE_CONFDIR}\" ] ; then\n\
        \tSUFFIX=\"-${APACHE_CONFDIR##/etc/apache2-}\"\nelse\n\tSUFFIX=\nfi\n\
        : ${APACHE_RUN_USER:=www-data}\nexport APACHE_RUN_USER\n\
        export APACHE_PID_FILE=/var/run/apache2$SUFFIX/apache2.pid\n\
        export APACHE_LOG_DIR=\"/var/log/apache2${SUFFIX}\"\n\
        # export APACHE_ARGUMENTS=''\nexport LANG=C\nexport LANG\n";

    #[test]
    fn an_instance_of_debians_apache_has_folders_of_its_own() {
        let of = |folder| variables(DEBIAN, folder);
        assert_eq!(of("/etc/apache2")["APACHE_PID_FILE"], "/var/run/apache2/apache2.pid");
        assert_eq!(of("/etc/apache2-b")["APACHE_PID_FILE"], "/var/run/apache2-b/apache2.pid");
        assert_eq!(of("/etc/apache2-b")["APACHE_LOG_DIR"], "/var/log/apache2-b");
        assert_eq!(of("/etc/apache2")["APACHE_RUN_USER"], "www-data");
        assert_eq!(of("/etc/apache2").get("SUFFIX"), None);
        assert_eq!(of("/etc/apache2").get("APACHE_ARGUMENTS"), None);
    }

    #[test]
    fn what_takes_a_shell_is_left_out_and_never_run() {
        let script = "export A=$(id)\nexport B=`id`\nexport C=${X##y}\nexport D=a;touch x\n\
            export E=\"a\nexport F=${\nexport G=$\nexport 'H=1\nexport I='a b'\nexport J=a$I";
        let known = variables(script, "/x");
        let names: Vec<&str> = known.keys().map(String::as_str).collect();
        assert_eq!(names, ["APACHE_CONFDIR", "I", "J"]);
        assert_eq!(known["J"], "aa b");
    }
}
