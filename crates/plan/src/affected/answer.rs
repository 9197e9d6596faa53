//! The answer to the question whether a server is affected.

use stopgap_model::Reasons;

/// Whether a server is affected, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Affects {
    /// It is.
    Yes(Reasons),
    /// It is not, or the fix is installed.
    No(Reasons),
    /// A fact that the answer needs could not be read.
    Unknown(Reasons),
    /// This version of Stopgap cannot identify the product.
    CannotIdentify(Reasons),
    /// The product is one that only an administrator can declare, such as a library, and nobody did.
    Undeclared(Reasons),
}
