//! The lines of a file that a person names, or of standard input, one at a time.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::error::{At, FsError};

/// The lines of a file, each of a bounded length.
pub struct Lines {
    reader: BufReader<Box<dyn Read>>,
    path: PathBuf,
    max: u64,
}

/// The lines of the file `path`, or of standard input where it is `-`; a line of more than `max`
/// bytes, its end with them, is an error. Links are followed, and the file may be a pipe: it is
/// what somebody wants to be read.
///
/// # Errors
/// The file cannot be opened.
pub fn lines(path: &Path, max: u64) -> Result<Lines, FsError> {
    let source: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(path).at("open", path)?)
    };
    Ok(Lines { reader: BufReader::new(source), path: path.to_owned(), max })
}

impl Iterator for Lines {
    type Item = Result<Vec<u8>, FsError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = Vec::new();
        let limit = self.max.saturating_add(1);
        let read = (&mut self.reader).take(limit).read_until(b'\n', &mut line);
        match read.at("read", &self.path) {
            Ok(0) => None,
            Ok(read) if read as u64 > self.max => {
                Some(Err(FsError::LongLine { path: self.path.clone(), max: self.max }))
            }
            Ok(_) => Some(Ok(line)),
            Err(error) => Some(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_an_end_is_refused_before_it_fills_the_memory() {
        let text = b"one\ntwo two\nlast".as_slice();
        let of =
            |max| Lines { reader: BufReader::new(Box::new(text)), path: PathBuf::from("x"), max };
        let read: Vec<_> = of(8).collect();
        let line = |text: &str| Ok(text.as_bytes().to_vec());
        assert_eq!(read, [line("one\n"), line("two two\n"), line("last")]);
        let long = FsError::LongLine { path: PathBuf::from("x"), max: 7 };
        assert_eq!(of(7).nth(1), Some(Err(long)));
        let endless = Lines { reader: BufReader::new(Box::new(std::io::repeat(b'x'))), ..of(9) };
        assert!(matches!({ endless }.next(), Some(Err(FsError::LongLine { .. }))));
    }
}
