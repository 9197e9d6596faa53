//! Macros of mod_macro: lines that are read where they are used, with other words.

use super::lines::{Directive, next};

/// What a `<Macro>` section says.
#[derive(Debug)]
pub(super) struct Macro {
    parameters: Vec<String>,
    body: Vec<u8>,
}

impl Macro {
    /// The macro of a section whose line ends at `section.to`, with its name in lower case, and what is
    /// behind its end. `None`: it has no end, or no name.
    pub(super) fn read(section: &Directive, bytes: &[u8]) -> Option<(String, Self, usize)> {
        let mut words = section.words().into_iter();
        let name = words.next()?.to_ascii_lowercase();
        let mut at = section.to;
        loop {
            let (directive, behind) = next(bytes, at, &|_| None)?;
            if directive.name.eq_ignore_ascii_case("</Macro") {
                let body = bytes.get(section.to..directive.from)?.to_vec();
                return Some((name, Self { parameters: words.collect(), body }, behind));
            }
            at = behind;
        }
    }

    /// How many bytes are looked at to put the words of a use in.
    pub(super) fn cost(&self) -> usize {
        self.body.len().saturating_mul(self.parameters.len().max(1))
    }

    /// The lines with the words of a use in the places of the parameters; `None`: it has another number
    /// of them. As in Apache, the longest parameter that stands at a place is the one that is meant, and
    /// what was put in is not looked at again.
    pub(super) fn with(&self, words: &[String]) -> Option<Vec<u8>> {
        if words.len() != self.parameters.len() {
            return None;
        }
        let mut pairs: Vec<(&[u8], &[u8])> = self
            .parameters
            .iter()
            .zip(words)
            .map(|(parameter, word)| (parameter.as_bytes(), word.as_bytes()))
            .filter(|(parameter, _)| !parameter.is_empty())
            .collect();
        pairs.sort_by_key(|(parameter, _)| std::cmp::Reverse(parameter.len()));
        let mut text = Vec::with_capacity(self.body.len());
        let mut rest = self.body.as_slice();
        while let Some((first, behind)) = rest.split_first() {
            match pairs.iter().find(|(parameter, _)| rest.starts_with(parameter)) {
                Some((parameter, word)) => {
                    text.extend_from_slice(word);
                    rest = &rest[parameter.len()..];
                }
                None => {
                    text.push(*first);
                    rest = behind;
                }
            }
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str, words: &[&str]) -> Option<String> {
        let (section, _) = next(text.as_bytes(), 0, &|_| None).unwrap();
        let (_, found, _) = Macro::read(&section, text.as_bytes())?;
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Some(String::from_utf8(found.with(&words)?).unwrap())
    }

    #[test]
    fn words_are_put_in_as_apache_puts_them_in() {
        let text = "<Macro V $n $nn ${p}>\nA $n$nn $nnn x${p}\n</macro>\n";
        let expected = "\nA $nnb bn x80\n";
        assert_eq!(expanded(text, &["$nn", "b", "80"]).as_deref(), Some(expected));
        assert_eq!(expanded(text, &["a", "b"]), None);
        assert_eq!(expanded("<Macro V>\n<VirtualHost *>\n", &[]), None);
    }
}
