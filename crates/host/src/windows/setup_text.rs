//! How the start of a service is set up, as one line: what is captured before a change, and given back.
//!
//! `start=2 delayed=1 counts-errors=0 reset=86400 actions=1:60000,0:0 command= message=`. What is text is
//! percent-encoded, so that the line has neither blanks nor line ends but those between the fields.

use std::fmt::Write as _;

/// How a service is set up to start, and what is done when it fails.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SetupText {
    /// When it is started, by the number of Windows.
    pub(crate) start: u32,
    /// Whether an automatic start is delayed.
    pub(crate) delayed: bool,
    /// Whether an end with an error code counts as a failure.
    pub(crate) counts_errors: bool,
    /// After how many seconds failures are counted anew.
    pub(crate) reset: u32,
    /// What is done at each failure, and after how many milliseconds.
    pub(crate) actions: Vec<(i32, u32)>,
    /// The command that is run.
    pub(crate) command: String,
    /// What users are told before the machine starts anew.
    pub(crate) message: String,
}

/// The text is not one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotASetup;

impl SetupText {
    pub(crate) fn write(&self) -> String {
        let actions: Vec<String> =
            self.actions.iter().map(|(kind, delay)| format!("{kind}:{delay}")).collect();
        format!(
            "start={} delayed={} counts-errors={} reset={} actions={} command={} message={}",
            self.start,
            u8::from(self.delayed),
            u8::from(self.counts_errors),
            self.reset,
            actions.join(","),
            encoded(&self.command),
            encoded(&self.message),
        )
    }

    pub(crate) fn read(text: &str) -> Result<Self, NotASetup> {
        let mut setup = Self::default();
        let mut fields = text.split(' ');
        let mut field = |name: &str| {
            fields
                .next()
                .and_then(|field| field.strip_prefix(name)?.strip_prefix('='))
                .ok_or(NotASetup)
        };
        setup.start = number(field("start")?)?;
        setup.delayed = flag(field("delayed")?)?;
        setup.counts_errors = flag(field("counts-errors")?)?;
        setup.reset = number(field("reset")?)?;
        setup.actions = actions(field("actions")?)?;
        setup.command = decoded(field("command")?)?;
        setup.message = decoded(field("message")?)?;
        match fields.next() {
            None => Ok(setup),
            Some(_) => Err(NotASetup),
        }
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, NotASetup> {
    text.parse().map_err(|_| NotASetup)
}

fn flag(text: &str) -> Result<bool, NotASetup> {
    match text {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err(NotASetup),
    }
}

fn actions(text: &str) -> Result<Vec<(i32, u32)>, NotASetup> {
    let parts = text.split(',').filter(|part| !part.is_empty());
    let action = |part: &str| {
        let (kind, delay) = part.split_once(':').ok_or(NotASetup)?;
        Ok((number(kind)?, number(delay)?))
    };
    parts.map(action).collect()
}

fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'!'..=b'$' | b'&'..=b'~' => encoded.push(byte.into()),
            // Writing to a text cannot fail.
            _ => drop(write!(encoded, "%{byte:02x}")),
        }
    }
    encoded
}

fn decoded(text: &str) -> Result<String, NotASetup> {
    let (mut bytes, mut rest) = (Vec::new(), text);
    while let Some((before, behind)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        let digits = behind.get(..2).ok_or(NotASetup)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| NotASetup)?);
        rest = behind.get(2..).unwrap_or_default();
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).map_err(|_| NotASetup)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_captured_is_read_back_whatever_the_texts_say() {
        for text in ["", r"C:\a b\x.exe /f 100%", "Nächster Start\r\nin 5 min", "=,: %25"] {
            let setup = SetupText {
                start: 2,
                delayed: true,
                counts_errors: true,
                reset: 86_400,
                actions: vec![(1, 60_000), (0, 0)],
                command: text.to_owned(),
                message: text.to_owned(),
            };
            let written = setup.write();
            assert!(!written.contains(['\n', '\r']), "{written}");
            assert_eq!(SetupText::read(&written), Ok(setup), "{written}");
        }
        let plain = SetupText { start: 4, ..SetupText::default() };
        let text = "start=4 delayed=0 counts-errors=0 reset=0 actions= command= message=";
        assert_eq!(plain.write(), text);
    }

    #[test]
    fn a_damaged_text_is_refused() {
        let whole = "start=2 delayed=1 counts-errors=0 reset=9 actions=1:6 command=a message=b";
        assert!(SetupText::read(whole).is_ok());
        let damaged = [
            ("start=2", "start="),
            ("delayed=1", "delayed=2"),
            ("actions=1:6", "actions=1"),
            ("command=a", "command=%f"),
            ("command=a", "command=%ff"),
            ("message=b", "message=b more=1"),
            (" message=b", ""),
        ];
        for (from, to) in damaged {
            assert_eq!(SetupText::read(&whole.replace(from, to)), Err(NotASetup), "{to}");
        }
    }
}
