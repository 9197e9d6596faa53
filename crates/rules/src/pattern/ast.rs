//! What an ECMAScript pattern says, over bytes.

/// A set of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ByteSet([u64; 4]);

impl ByteSet {
    pub(crate) const EMPTY: Self = Self([0; 4]);
    pub(crate) const FULL: Self = Self([u64::MAX; 4]);

    pub(crate) fn of(bytes: impl IntoIterator<Item = u8>) -> Self {
        let mut set = Self::EMPTY;
        for byte in bytes {
            set.insert(byte);
        }
        set
    }

    pub(crate) fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    pub(crate) fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] & (1 << (byte & 63)) != 0
    }

    pub(crate) fn union(mut self, other: Self) -> Self {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine |= theirs;
        }
        self
    }

    pub(crate) fn intersection(mut self, other: Self) -> Self {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine &= theirs;
        }
        self
    }

    pub(crate) fn complement(self) -> Self {
        Self(self.0.map(|word| !word))
    }

    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).any(|(mine, theirs)| mine & theirs != 0)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u8> + '_ {
        (0..=u8::MAX).filter(|&byte| self.contains(byte))
    }

    /// The set with the other case of each of its ASCII letters.
    pub(crate) fn folded(self) -> Self {
        let other = self.iter().map(|byte| match byte {
            b'a'..=b'z' => byte.to_ascii_uppercase(),
            _ => byte.to_ascii_lowercase(),
        });
        self.union(Self::of(other))
    }

    /// The byte, if the set has one; its lower case, if the set has a letter in both cases.
    pub(crate) fn single(&self) -> Option<u8> {
        let mut bytes = self.iter();
        let (first, second, third) = (bytes.next()?, bytes.next(), bytes.next());
        match (second, third) {
            (None, _) => Some(first),
            (Some(second), None) if first.to_ascii_lowercase() == second => Some(second),
            _ => None,
        }
    }
}

/// A node of a pattern.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Node {
    /// One byte of a set.
    Set(ByteSet),
    /// One after the other. Empty: matches nothing but the empty string.
    Concat(Vec<Node>),
    /// One of them, the first that fits preferred.
    Alternate(Vec<Node>),
    /// A repetition.
    Repeat { node: Box<Node>, min: u32, max: Option<u32>, greedy: bool },
    /// A group; `index` counts capturing groups from 1.
    Group { index: Option<usize>, node: Box<Node> },
    /// The start of the input.
    Start,
    /// The end of the input.
    End,
    /// A word boundary, or its absence.
    WordBoundary { negate: bool },
    /// A look-ahead.
    LookAhead { negate: bool, node: Box<Node> },
    /// A reference back to a group.
    BackReference,
}

impl Node {
    pub(crate) fn empty() -> Self {
        Self::Concat(Vec::new())
    }

    /// Whether `test` holds for this node or one in it.
    pub(crate) fn any(&self, test: &dyn Fn(&Node) -> bool) -> bool {
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
    pub(crate) fn first(&self) -> (ByteSet, bool) {
        match self {
            Self::Set(set) => (*set, false),
            Self::Concat(nodes) => {
                let mut first = ByteSet::EMPTY;
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
