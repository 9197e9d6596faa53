//! Paths of a Windows server as the parts that lead to a file below a folder.

use stopgap_model::ServerPath;

/// The path does not begin with a drive, or leads upwards.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a path that begins with a drive, such as `C:\\inetpub`")]
pub struct NotAbsolute(pub String);

/// The parts of a path: `C:\inetpub\wwwroot` is `["C", "inetpub", "wwwroot"]`.
///
/// # Errors
/// The path does not begin with a drive letter, a colon and a separator, or a part is `.` or `..`.
pub fn parts(path: &ServerPath) -> Result<Vec<&str>, NotAbsolute> {
    let wrong = || NotAbsolute(path.as_str().to_owned());
    let (drive, rest) = path.as_str().split_once(':').ok_or_else(wrong)?;
    if drive.len() != 1 || !drive.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Err(wrong());
    }
    // `C:name` is relative to the current folder of the drive.
    if !rest.starts_with(['\\', '/']) {
        return Err(wrong());
    }
    let below = rest.split(['\\', '/']).filter(|part| !part.is_empty());
    let parts: Vec<&str> = std::iter::once(drive).chain(below).collect();
    match parts.iter().any(|part| matches!(*part, "." | "..")) {
        true => Err(wrong()),
        false => Ok(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_split_at_either_separator() {
        let split = |text: &str| {
            let path = ServerPath::new(text);
            parts(&path).map(|parts| parts.join("|")).ok()
        };
        assert_eq!(split(r"C:\inetpub\wwwroot").as_deref(), Some("C|inetpub|wwwroot"));
        assert_eq!(split(r"d:/a b\\c\").as_deref(), Some("d|a b|c"));
        assert_eq!(split(r"C:\").as_deref(), Some("C"));
    }

    #[test]
    fn a_path_that_could_lead_elsewhere_is_refused() {
        let bad = [
            r"\\server\share\x",
            r"\\?\C:\x",
            r"C:x",
            r"x\y",
            r"C:\a\..\b",
            r"C:\.\b",
            "",
            "%windir%\\x",
            r"CC:\x",
            r"é:\x",
        ];
        for text in bad {
            assert!(parts(&ServerPath::new(text)).is_err(), "{text}");
        }
    }
}
