//! Debian's scripts around Apache: the variables that they read from a file, and what they start.

use super::software::{Variables, is_variable_name};

/// The scripts that start Apache, and the program that they start.
const APACHECTL: &str = "/usr/sbin/apachectl";
const APACHE2CTL: &str = "/usr/sbin/apache2ctl";
pub(crate) const APACHE2: &str = "/usr/sbin/apache2";
const CONFIG_FOLDER: &str = "/etc/apache2";

/// Whether it is one of the scripts that start Apache, of which there is one for each instance.
pub(crate) fn is_start_script(program: &str) -> bool {
    program == APACHECTL
        || program.strip_prefix(APACHE2CTL).is_some_and(|rest| {
            rest.is_empty() || rest.strip_prefix('-').is_some_and(|name| !name.contains('/'))
        })
}

/// The folder whose configuration a start script takes; `None` if another file of variables is named
/// than the one in that folder (`APACHE_ENVVARS`).
pub(crate) fn config_folder(script: &str, variables: &Variables) -> Option<String> {
    if set(variables, "APACHE_ENVVARS").is_some() {
        return None;
    }
    let instance = script.rsplit_once("apache2ctl-").map(|(_, name)| name);
    Some(set(variables, "APACHE_CONFDIR").unwrap_or_else(|| match instance {
        Some(name) => format!("{CONFIG_FOLDER}-{name}"),
        None => CONFIG_FOLDER.to_owned(),
    }))
}

/// The program that a start script starts with these arguments, and its own arguments; `None` if it does
/// something else with them.
pub(crate) fn started(
    folder: String,
    arguments: Vec<String>,
    variables: &Variables,
) -> Option<(String, Vec<String>)> {
    let words = |text: Option<String>| -> Vec<String> {
        text.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    };
    // It may be a program with options behind it.
    let mut httpd = words(set(variables, "APACHE_HTTPD")).into_iter();
    let program = httpd.next().unwrap_or_else(|| APACHE2.to_owned());
    let mut line: Vec<String> = httpd.collect();
    if folder != CONFIG_FOLDER {
        line.extend(["-d".to_owned(), folder]);
    }
    line.extend(words(set(variables, "APACHE_ARGUMENTS")));
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["start"] => line.extend(["-k".to_owned(), "start".to_owned()]),
        [first, ..] if first.starts_with('-') => line.extend(arguments),
        _ => return None,
    }
    Some((program, line))
}

/// The value of a variable that is set and not empty.
fn set(variables: &Variables, name: &str) -> Option<String> {
    variables.get(name).filter(|value| !value.is_empty()).cloned()
}

/// What the lines `export NAME=value`, `: ${NAME:=value}` and `unset NAME` make of `before`. It is a
/// shell script, and it is not run: what takes a shell to know is left out, and Apache's own test
/// tells what is missing.
pub(crate) fn variables(script: &str, folder: &str, before: Variables) -> Variables {
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
        if let Some((name, value)) = set.filter(|(name, _)| is_variable_name(name) && is_open(name))
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
        if !is_variable_name(name) {
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
