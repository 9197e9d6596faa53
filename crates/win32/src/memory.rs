//! Memory that Windows allocated and that is given back here.

use std::ffi::c_void;

use windows_sys::Win32::Foundation::LocalFree;

/// Memory of `LocalAlloc`, freed when this is dropped.
pub(crate) struct Local(pub(crate) *mut c_void);

impl Local {
    /// The first `length` bytes, copied.
    ///
    /// # Safety
    /// There are so many, and all are initialized.
    pub(crate) unsafe fn bytes(&self, length: usize) -> Vec<u8> {
        // SAFETY: the caller's promise; the memory is ours until this is dropped.
        unsafe { std::slice::from_raw_parts(self.0.cast::<u8>(), length) }.to_vec()
    }

    /// The text up to its zero, copied.
    ///
    /// # Safety
    /// It is UTF-16 with a zero at the end.
    pub(crate) unsafe fn text(&self) -> String {
        // SAFETY: the caller's promise.
        unsafe { crate::text::copied(self.0.cast()) }
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        // SAFETY: the memory is of `LocalAlloc`, and nobody else frees it.
        unsafe { LocalFree(self.0) };
    }
}

/// A buffer for structures of Windows, which want their alignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Buffer(Vec<u64>);

impl Buffer {
    /// A buffer of at least `bytes`, all zero.
    pub(crate) fn of(bytes: usize) -> Self {
        Self(vec![0; bytes.div_ceil(8).max(1)])
    }

    pub(crate) fn as_mut_ptr<T>(&mut self) -> *mut T {
        self.0.as_mut_ptr().cast()
    }

    /// A buffer with these bytes, and zeros behind them.
    pub(crate) fn holding(bytes: &[u8]) -> Self {
        let word = |chunk: &[u8]| {
            let mut word = [0; 8];
            word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
            u64::from_ne_bytes(word)
        };
        Self(bytes.chunks(8).map(word).collect())
    }

    pub(crate) fn as_ptr<T>(&self) -> *const T {
        self.0.as_ptr().cast()
    }

    /// The first `length` bytes, copied; fewer where the buffer is shorter.
    pub(crate) fn bytes(&self, length: usize) -> Vec<u8> {
        self.0.iter().flat_map(|word| word.to_ne_bytes()).take(length).collect()
    }
}
