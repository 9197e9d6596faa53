//! ECMAScript patterns over bytes: what they match, what is refused, and that an independent
//! backtracking engine agrees.

mod properties;
mod tables;

use stopgap_model::rule::Case;
use stopgap_pattern::{Pattern, PatternError};

#[derive(Debug, PartialEq)]
enum Found {
    Yes,
    No,
    Invalid,
    NotLinear,
}

fn found(pattern: &str, case: Case, input: &[u8]) -> Found {
    match Pattern::new(pattern, case) {
        Ok(pattern) if pattern.is_match(input) => Found::Yes,
        Ok(_) => Found::No,
        Err(PatternError::Invalid(_)) => Found::Invalid,
        Err(PatternError::NotLinear(_)) => Found::NotLinear,
    }
}

fn assert_found(case: Case, cases: &[(&str, &[u8], bool)]) {
    for (pattern, input, yes) in cases {
        let expected = if *yes { Found::Yes } else { Found::No };
        let shown = String::from_utf8_lossy(input);
        assert_eq!(found(pattern, case, input), expected, "`{pattern}` in {shown:?}");
    }
}
