//! What several threads share.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The value that a mutex guards. It is whole at every moment, so one whose holder broke off is still
/// good.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
