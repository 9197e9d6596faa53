//! Why a pattern cannot be used.

use crate::limits::{MAX_COUNT, MAX_DEPTH, MAX_PATTERN};

/// A pattern that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is not ECMAScript: what the syntax check says.
    #[error("it is not a valid ECMAScript pattern: {0}")]
    Invalid(String),
    /// It is ECMAScript, but cannot be matched here, or not in linear time.
    #[error("it cannot be matched in linear time: {0}")]
    NotLinear(#[from] NotLinear),
}

/// Why a pattern cannot be matched here, or not in linear time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotLinear {
    /// It is longer than any rule of the field.
    #[error("it is longer than {MAX_PATTERN} bytes")]
    TooLong,
    /// Its groups are nested too deep.
    #[error("its groups are nested more than {MAX_DEPTH} deep")]
    TooDeep,
    /// A count in it is too large.
    #[error("it repeats something more than {MAX_COUNT} times")]
    CountTooLarge,
    /// Its automaton would be too large.
    #[error("it is too large when it is compiled")]
    TooLarge,
    /// Its automaton would be too large, because of what it looks ahead to.
    #[error("it looks ahead, and is too large when it is compiled")]
    LookAheadTooLarge,
    /// It refers back to a group: no automaton can.
    #[error("it refers back to a group")]
    BackReference,
    /// It looks ahead, which a mitigation document says by several conditions.
    #[error("it looks ahead; write each part as a condition of its own")]
    LookAhead,
    /// It looks behind or names a group: neither is in ECMA-262's third edition.
    #[error("it looks behind or names a group, which IIS's patterns cannot")]
    LookBehind,
    /// It repeats an assertion so often that it cannot be written out.
    #[error("it repeats an assertion such as `^` or a look-ahead")]
    RepeatedAssertion,
    /// With its repetitions written out it would be too long.
    #[error("with its counted repetitions written out it is too long for an engine")]
    TooLongWrittenOut,
    /// A text can be matched in many ways, all of which an engine tries on a near miss.
    #[error("its choices and counted repetitions can match the same text in too many ways")]
    TooManyWays,
    /// It repeats a repetition.
    #[error("it repeats a repetition, as in (a+)+; write the inner one once")]
    RepeatedRepetition,
    /// It repeats what can be empty.
    #[error("it repeats something that can be empty, as in (a?)*")]
    RepeatedEmpty,
    /// It repeats a choice between texts that begin alike.
    #[error("it repeats a choice whose branches can begin alike, as in (a|ab)*")]
    RepeatedChoice,
    /// It is not clear where a repetition ends.
    #[error(
        "what follows a repetition could be part of it, as in .+/ or .*.*; write a class without it, \
         as in [^/]+/"
    )]
    UnclearEnd,
    /// It repeats what matches one text in two ways.
    #[error("it repeats something that can match the same text in two ways, as in (a?a?b)*")]
    RepeatedAmbiguity,
    /// A group is closed that was not opened.
    #[error("it has a `)` without its `(`")]
    UnopenedGroup,
    /// A group is not closed.
    #[error("it has a `(` without its `)`")]
    UnclosedGroup,
    /// A class is not closed.
    #[error("it has a `[` without its `]`")]
    UnclosedClass,
    /// A backslash stands at its end.
    #[error("it ends with a backslash")]
    EndsWithBackslash,
    /// `\uD800` and the like are no characters.
    #[error("it names half of a surrogate pair")]
    HalfSurrogate,
    /// A range of a class has an end beyond ASCII.
    #[error("it has a range of characters beyond ASCII")]
    RangeBeyondAscii,
    /// A class excludes a character beyond ASCII, which is several bytes.
    #[error("it excludes a character beyond ASCII, and a class is of bytes")]
    ExcludesBeyondAscii,
}
