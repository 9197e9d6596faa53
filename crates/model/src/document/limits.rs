//! How much a document may have of each thing.

/// The longest document that is read, in bytes. The largest of our own catalog is a few KiB.
pub const MAX_DOCUMENT: usize = 256 * 1024;

/// The most `[[affected]]` tables of a document.
pub const MAX_AFFECTED: usize = 32;

/// The most version ranges of a product. Exchange 2016 had 20 branches when it ended.
pub const MAX_RANGES: usize = 128;

/// The most `[[action]]` tables of a document. The largest known mitigation has four.
pub const MAX_ACTIONS: usize = 32;

/// The most `[[probe]]` tables of a document.
pub const MAX_PROBES: usize = 256;

/// The most entries of a plain list: roles, services, pools, CVE ids, references, headers.
pub const MAX_LIST: usize = 64;

/// The most tests in the conditions of one action: each is a line of a server's configuration.
pub const MAX_TESTS: usize = 64;

/// How deep conditions may nest. Real rules nest two deep.
pub const MAX_DEPTH: usize = 8;

/// The most decodings of one test. Each attack seen in the field needed at most two.
pub const MAX_DECODES: usize = 4;

/// The longest text of a rule, a name or a sentence, in bytes.
pub const MAX_TEXT: usize = 4096;

/// The most that a document may ask to inspect of a body, in bytes: it is held in memory.
pub const MAX_BODY_LIMIT: usize = 1024 * 1024;

/// The most problems that are told of one document; more would not be read.
pub const MAX_PROBLEMS: usize = 100;

/// The schema that this reader knows.
pub(super) const SCHEMA: i64 = 1;
