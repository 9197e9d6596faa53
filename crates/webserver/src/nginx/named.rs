//! What the includes of a file of nginx name.

use super::lex::{End, Lexer};

/// What the includes of a file name, as they stand there.
pub(crate) fn named_in(bytes: &[u8]) -> Vec<String> {
    let mut named = Vec::new();
    let mut lexer = Lexer::new(bytes);
    // What is wrong is said by the layout.
    while let Ok(Some(statement)) = lexer.next() {
        let is_include = matches!(statement.end, End::Simple) && statement.name() == b"include";
        if let (true, [_, path]) = (is_include, statement.words.as_slice())
            && let Ok(path) = std::str::from_utf8(path)
        {
            named.push(path.to_owned());
        }
    }
    named
}
