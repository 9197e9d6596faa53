//! What an ECMAScript pattern says, over bytes.

/// A set of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ByteSet([u64; 4]);

impl ByteSet {
    /// No byte.
    pub const EMPTY: Self = Self([0; 4]);
    /// Every byte.
    pub const FULL: Self = Self([u64::MAX; 4]);

    /// The set of these bytes.
    pub fn of(bytes: impl IntoIterator<Item = u8>) -> Self {
        let mut set = Self::EMPTY;
        for byte in bytes {
            set.insert(byte);
        }
        set
    }

    /// Takes a byte in.
    pub fn insert(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
    }

    /// Whether a byte is in the set.
    #[must_use]
    pub fn contains(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte >> 6)).is_some_and(|word| word & (1 << (byte & 63)) != 0)
    }

    /// The bytes of both.
    #[must_use]
    pub fn union(mut self, other: Self) -> Self {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine |= theirs;
        }
        self
    }

    /// The bytes that are in both.
    #[must_use]
    pub fn intersection(mut self, other: Self) -> Self {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine &= theirs;
        }
        self
    }

    /// All other bytes.
    #[must_use]
    pub fn complement(self) -> Self {
        Self(self.0.map(|word| !word))
    }

    /// Whether a byte is in both.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).any(|(mine, theirs)| mine & theirs != 0)
    }

    /// The bytes, the smallest first.
    pub fn iter(&self) -> impl Iterator<Item = u8> + '_ {
        let words = self.0.into_iter().zip([0_u8, 64, 128, 192]);
        words.flat_map(|(word, base)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = u8::try_from(left.trailing_zeros()).ok().filter(|bit| *bit < 64)?;
                // Takes the lowest bit away.
                left &= left - 1;
                Some(base + bit)
            })
        })
    }

    /// The set with the other case of each of its ASCII letters.
    pub fn folded(self) -> Self {
        let other = self.iter().map(|byte| match byte {
            b'a'..=b'z' => byte.to_ascii_uppercase(),
            _ => byte.to_ascii_lowercase(),
        });
        self.union(Self::of(other))
    }

    /// The byte, if the set has one; its lower case, if the set has a letter in both cases.
    pub fn single(&self) -> Option<u8> {
        let mut bytes = self.iter();
        let (first, second, third) = (bytes.next()?, bytes.next(), bytes.next());
        match (second, third) {
            (None, _) => Some(first),
            (Some(second), None) if first.to_ascii_lowercase() == second => Some(second),
            _ => None,
        }
    }
}

/// What a table with an entry for each byte says of one.
pub(crate) fn of_byte<T: Copy + Default>(table: &[T; 256], byte: u8) -> T {
    table.get(usize::from(byte)).copied().unwrap_or_default()
}

/// A node of a pattern.
#[derive(Clone, PartialEq, Eq)]
pub enum Node {
    /// One byte of a set.
    Set(ByteSet),
    /// One after the other. Empty: matches nothing but the empty string.
    Concat(Vec<Node>),
    /// One of them, the first that fits preferred.
    Alternate(Vec<Node>),
    /// A repetition.
    Repeat {
        /// What is repeated.
        node: Box<Node>,
        /// How often at least.
        min: u32,
        /// How often at most; `None`: without a bound.
        max: Option<u32>,
        /// Whether it takes as much as it can.
        greedy: bool,
    },
    /// A group; `index` counts capturing groups from 1.
    Group {
        /// Its number, where it captures.
        index: Option<usize>,
        /// What it holds.
        node: Box<Node>,
    },
    /// The start of the input.
    Start,
    /// The end of the input.
    End,
    /// A word boundary, or its absence.
    WordBoundary {
        /// Whether it must not be one.
        negate: bool,
    },
    /// A look-ahead.
    LookAhead {
        /// Whether it must not follow.
        negate: bool,
        /// What must follow.
        node: Box<Node>,
    },
    /// A reference back to a group.
    BackReference,
}

impl Node {
    /// What matches the empty text.
    #[must_use]
    pub fn empty() -> Self {
        Self::Concat(Vec::new())
    }

    /// Whether `test` holds for this node or one in it.
    pub fn any(&self, test: &dyn Fn(&Node) -> bool) -> bool {
        test(self)
            || match self {
                Self::Concat(nodes) | Self::Alternate(nodes) => nodes.iter().any(|n| n.any(test)),
                Self::Repeat { node, .. }
                | Self::Group { node, .. }
                | Self::LookAhead { node, .. } => node.any(test),
                _ => false,
            }
    }

    /// The bytes that a match can begin with, and whether it can be empty.
    pub fn first(&self) -> (ByteSet, bool) {
        match self {
            Self::Set(set) => (*set, false),
            Self::Concat(nodes) => {
                let mut first = ByteSet::EMPTY;
                // What stands behind a part is seen only while all before it can be empty.
                for node in nodes {
                    let (set, nullable) = node.first();
                    first = first.union(set);
                    if !nullable {
                        return (first, false);
                    }
                }
                (first, true)
            }
            Self::Alternate(nodes) => nodes.iter().fold((ByteSet::EMPTY, false), |(s, n), node| {
                let (set, nullable) = node.first();
                (s.union(set), n || nullable)
            }),
            Self::Repeat { node, min, .. } => {
                let (set, nullable) = node.first();
                (set, nullable || *min == 0)
            }
            Self::Group { node, .. } => node.first(),
            _ => (ByteSet::EMPTY, true),
        }
    }
}
