//! A list in the other form.

/// Each of these in the other form.
pub(super) fn all<A, B: From<A>>(them: Vec<A>) -> Vec<B> {
    them.into_iter().map(B::from).collect()
}
