//! Where a block of Lua ends. Its strings and comments may hold any braces.

/// What is behind the `}` that closes the block whose `{` is right before `at`.
pub(super) fn block_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at;
    let mut open = 1_usize;
    loop {
        match *bytes.get(at)? {
            b'{' => open += 1,
            b'}' => {
                open -= 1;
                if open == 0 {
                    return Some(at + 1);
                }
            }
            quote @ (b'"' | b'\'') => {
                at = string_end(bytes, at + 1, quote)?;
                continue;
            }
            // Quotes and braces in a comment mean nothing.
            b'-' if bytes.get(at + 1) == Some(&b'-') => {
                at = comment_end(bytes, at + 2)?;
                continue;
            }
            // `[[` and `[==[` begin a string that no quote and no backslash ends.
            b'[' => {
                if let Some(level) = long_level(bytes, at) {
                    at = long_end(bytes, at + level + 2, level)?;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
}

fn string_end(bytes: &[u8], at: usize, quote: u8) -> Option<usize> {
    let mut at = at;
    loop {
        match *bytes.get(at)? {
            b'\\' => at += 2,
            byte if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

fn comment_end(bytes: &[u8], at: usize) -> Option<usize> {
    if let Some(level) = long_level(bytes, at) {
        return long_end(bytes, at + level + 2, level);
    }
    let rest = bytes.get(at..)?;
    Some(at + rest.iter().position(|byte| *byte == b'\n')?)
}

/// The number of `=` in the `[==[` that begins here.
fn long_level(bytes: &[u8], at: usize) -> Option<usize> {
    let inner = bytes.get(at..)?.strip_prefix(b"[")?;
    let level = inner.iter().take_while(|byte| **byte == b'=').count();
    (inner.get(level) == Some(&b'[')).then_some(level)
}

/// What is behind the `]==]` of this level.
fn long_end(bytes: &[u8], at: usize, level: usize) -> Option<usize> {
    let mut at = at;
    loop {
        if *bytes.get(at)? == b']' {
            let inner = bytes.get(at + 1..)?;
            let equals = inner.iter().take_while(|byte| **byte == b'=').count();
            if equals == level && inner.get(level) == Some(&b']') {
                return Some(at + level + 2);
            }
        }
        at += 1;
    }
}
