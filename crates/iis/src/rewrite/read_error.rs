//! Why a rule of IIS cannot be read back as what a mitigation says.

use stopgap_model::reason::RuleReason;
use stopgap_pattern::PatternError;

/// Why a rule of IIS is none that a mitigation can say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Its action is none that blocks.
    #[error("it does not block")]
    DoesNotBlock,
    /// It sets server variables beside what it blocks.
    #[error("it sets server variables")]
    SetsVariables,
    /// Its `match` looks at the path, which no test says.
    #[error("it looks at the path by `{0}`")]
    LooksAtPath(String),
    /// It has no condition.
    #[error("it blocks every request")]
    BlocksEverything,
    /// A condition asks the disk.
    #[error("it asks whether a file or folder is there")]
    AsksTheDisk,
    /// An input of a condition says what no field says.
    #[error("the input `{0}` has no field of the same meaning")]
    NoField(String),
    /// A wildcard pattern says what no test says.
    #[error("no test says the same as the wildcard pattern `{0}`")]
    NoTest(String),
    /// A pattern is found in every text.
    #[error("`{0}` asks for nothing")]
    AsksNothing(String),
    /// It sets no variable, or several.
    #[error("it does not set exactly one variable")]
    NotOneVariable,
    /// It has an action beside the variable that it sets.
    #[error("it does more than set a variable")]
    DoesMore,
    /// The variable that it sets is no request header.
    #[error("it sets another variable than a header")]
    NoRequestHeader,
    /// It changes the header of some requests only.
    #[error("it changes the header of some requests only")]
    SomeRequests,
    /// What it changes is no response header.
    #[error("it changes the body, or a variable that is no header")]
    NoResponseHeader,
    /// Its pattern is of another syntax, or must not match.
    #[error("its pattern is no regular expression that must match")]
    NoExpression,
    /// The patterns of its conditions are of another syntax.
    #[error("its patterns are no regular expressions")]
    NoExpressions,
    /// Its action is none that rewrites.
    #[error("it does not rewrite")]
    DoesNotRewrite,
    /// It makes another change of the value than a mitigation can say.
    #[error("it makes `{value}` of `{pattern}`")]
    OtherChange {
        /// What it writes.
        value: String,
        /// What it looks for.
        pattern: String,
    },
    /// A condition asks for the status of the response.
    #[error("it asks for the status")]
    AsksForStatus,
    /// One of its patterns cannot be used.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// Written out again, it would be another rule.
    #[error(transparent)]
    NotExact(#[from] RuleReason),
}
