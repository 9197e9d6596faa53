//! Macros of mod_macro: lines that are read where they are used, with other words.

use stopgap_model::reason::ConfigFault;

use super::lex::{Directive, next};

/// The longest name of a parameter. At each place of the lines each of them is compared.
const MAX_PARAMETER: usize = 256;

/// What a `<Macro>` section says.
#[derive(Debug)]
pub(super) struct Macro {
    parameters: Vec<String>,
    body: Vec<u8>,
}

impl Macro {
    /// The macro of a section whose line ends at `section.to`, with its name in lower case, and what is
    /// behind its end.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(
        section: &Directive,
        bytes: &[u8],
    ) -> Result<(String, Self, usize), ConfigFault> {
        let half = || ConfigFault::OpenMacro;
        let mut words = section.words().into_iter();
        let name = words.next().ok_or_else(half)?.to_ascii_lowercase();
        let parameters: Vec<String> = words.collect();
        if parameters.iter().any(|parameter| parameter.len() > MAX_PARAMETER) {
            return Err(ConfigFault::LongParameter { most: MAX_PARAMETER });
        }
        // Variables in the lines are put in where the macro is used, and sections in it count for nothing
        // until then.
        let mut at = section.to;
        loop {
            let (directive, behind) = next(bytes, at, &|_| None).ok_or_else(half)?;
            if directive.name.eq_ignore_ascii_case("</Macro") {
                let body = bytes.get(section.to..directive.from).ok_or_else(half)?.to_vec();
                return Ok((name, Self { parameters, body }, behind));
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
    /// what was put in is not looked at again. Text that gets longer than `room` ends there.
    pub(super) fn with(&self, words: &[String], room: usize) -> Option<Vec<u8>> {
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
        // The longest first: `$name` is not `$n` with something behind it.
        pairs.sort_by_key(|(parameter, _)| std::cmp::Reverse(parameter.len()));
        let mut text = Vec::with_capacity(self.body.len());
        let mut rest = self.body.as_slice();
        while let Some((first, behind)) = rest.split_first().filter(|_| text.len() <= room) {
            let mut here = pairs
                .iter()
                .filter_map(|(parameter, word)| Some((rest.strip_prefix(*parameter)?, word)));
            match here.next() {
                Some((behind, word)) => {
                    text.extend_from_slice(word);
                    rest = behind;
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
        let (_, found, _) = Macro::read(&section, text.as_bytes()).ok()?;
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Some(String::from_utf8(found.with(&words, 100)?).unwrap())
    }

    #[test]
    fn words_are_put_in_as_apache_puts_them_in() {
        let text = "<Macro V $n $nn ${p}>\nA $n$nn $nnn x${p}\n</macro>\n";
        let expected = "\nA $nnb bn x80\n";
        assert_eq!(expanded(text, &["$nn", "b", "80"]).as_deref(), Some(expected));
        assert_eq!(expanded(text, &["a", "b"]), None);
        assert_eq!(expanded("<Macro V>\n<VirtualHost *>\n", &[]), None);
    }

    #[test]
    fn text_that_has_no_room_is_not_made() {
        let text = format!("<Macro V $n>\n{}\n</macro>\n", "$n".repeat(1000));
        let word = "x".repeat(60);
        assert_eq!(expanded(&text, &[&word]).map(|text| text.len()), Some(1 + 2 * 60));
    }
}
