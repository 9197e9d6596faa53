//! The variables of Debian's Apache, from the file that its scripts read them from.

use stopgap_model::ServerPath;

use super::environment::{Variables, is_name};
use crate::host::Read;
use crate::unix::UnixFiles;

/// The largest file of variables that is read, in bytes; Debian's has 2 kB.
const MAX_ENVVARS: u64 = 64 * 1024;

/// The variables that an Apache with this `ServerRoot` is started with, where Debian's scripts
/// start it with `before`. Those alone where there is no such file.
///
/// # Errors
/// It cannot be read; a sentence without a full stop.
pub(crate) fn apache_variables(
    files: &UnixFiles,
    base: &ServerPath,
    before: Variables,
) -> Result<Variables, String> {
    match files.read(&base.join("envvars"), MAX_ENVVARS) {
        Read::Found(bytes) => {
            Ok(variables(&String::from_utf8_lossy(&bytes), base.as_str(), before))
        }
        Read::Absent => Ok(before),
        Read::Unreadable(why) => Err(why),
    }
}

/// The same, if nobody but root may write the file: what it says ends in programs' environment.
///
/// # Errors
/// Somebody else may write it, or it cannot be read; a sentence without a full stop.
pub(crate) fn trusted_variables(
    files: &UnixFiles,
    base: &ServerPath,
    before: Variables,
) -> Result<Variables, String> {
    let file = base.join("envvars");
    if files.read(&file, 0) != Read::Absent {
        files.require_guarded(&file)?;
    }
    apache_variables(files, base, before)
}

/// What the lines `export NAME=value`, `: ${NAME:=value}` and `unset NAME` make of `before`. It is a
/// shell script, and it is not run: what takes a shell to know is left out, and Apache's own test
/// tells what is missing.
fn variables(script: &str, folder: &str, before: Variables) -> Variables {
    // What the script computes at its head: instances beside the first one have a suffix.
    let suffix = folder.strip_prefix("/etc/apache2-").map(|name| format!("-{name}"));
    let mut known = before;
    known.insert("SUFFIX".to_owned(), suffix.unwrap_or_default());
    known.insert("APACHE_CONFDIR".to_owned(), folder.to_owned());
    for line in script.lines() {
        let line = line.trim();
        if let Some(names) = line.strip_prefix("unset ") {
            known.retain(|known, _| !names.split_whitespace().any(|name| name == known));
        }
        let default = line.strip_prefix(": ${").and_then(|rest| rest.strip_suffix('}'));
        let set = match default {
            Some(text) => text.split_once(":="),
            None => line.strip_prefix("export ").and_then(|rest| rest.trim_start().split_once('=')),
        };
        let is_open =
            |name: &str| default.is_none() || known.get(name).is_none_or(String::is_empty);
        if let Some((name, value)) = set.filter(|(name, _)| is_name(name) && is_open(name))
            && let Some(value) = expanded(value, &known)
        {
            known.insert(name.to_owned(), value);
        }
    }
    known.remove("SUFFIX");
    known
}

/// A value without its quotes and with its variables put in; `None` if it takes a shell.
fn expanded(value: &str, known: &Variables) -> Option<String> {
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
        let of = |folder| variables(DEBIAN, folder, Variables::new());
        assert_eq!(of("/etc/apache2")["APACHE_PID_FILE"], "/var/run/apache2/apache2.pid");
        assert_eq!(of("/etc/apache2-b")["APACHE_PID_FILE"], "/var/run/apache2-b/apache2.pid");
        assert_eq!(of("/etc/apache2-b")["APACHE_LOG_DIR"], "/var/log/apache2-b");
        assert_eq!(of("/etc/apache2")["APACHE_RUN_USER"], "www-data");
        assert_eq!(of("/etc/apache2").get("SUFFIX"), None);
        let own = [("APACHE_RUN_USER", "shop"), ("HOME", "/root"), ("X", "1")];
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let known = variables(DEBIAN, "/etc/apache2", own.into_iter().collect());
        assert_eq!((known["APACHE_RUN_USER"].as_str(), known["X"].as_str()), ("shop", "1"));
        assert_eq!(known.get("HOME"), None);
        assert_eq!(of("/etc/apache2").get("APACHE_ARGUMENTS"), None);
    }

    #[test]
    fn what_takes_a_shell_is_left_out_and_never_run() {
        let script = "export A=$(id)\nexport B=`id`\nexport C=${X##y}\nexport D=a;touch x\n\
            export E=\"a\nexport F=${\nexport G=$\nexport 'H=1\nexport I='a b'\nexport J=a$I";
        let known = variables(script, "/x", Variables::new());
        let names: Vec<&str> = known.keys().map(String::as_str).collect();
        assert_eq!(names, ["APACHE_CONFDIR", "I", "J"]);
        assert_eq!(known["J"], "aa b");
    }
}
