//! Regular languages over bytes, with intersection and complement, as expressions that are derived
//! by one byte after the other (Brzozowski). Equal expressions are one, so that the derivatives of
//! an expression are the states of its automaton.
//!
//! Every construction is paid for from a fixed amount of work: a hostile pattern costs no more than
//! that, and then its answer is not known.

use std::collections::{HashMap, HashSet, VecDeque};

use super::ast::ByteSet;

/// How deep a derivation or a construction may descend.
const MAX_DEPTH: u32 = 256;

/// A language of an arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lang(u32);

/// No text.
pub const NOTHING: Lang = Lang(0);
/// The empty text.
pub const BLANK: Lang = Lang(1);
/// Every text.
pub const ANYTHING: Lang = Lang(2);

/// The work is used up: the answer is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Expr {
    Set(ByteSet),
    Blank,
    Then(Lang, Lang),
    /// Sorted, at least two, none of them an `Any`.
    Any(Vec<Lang>),
    /// Sorted, at least two, none of them an `All`.
    All(Vec<Lang>),
    Not(Lang),
    Repeat {
        of: Lang,
        min: u32,
        max: Option<u32>,
    },
}

/// Languages, and what is left of the work that may be done on them.
#[derive(Debug)]
pub struct Languages {
    exprs: Vec<(Expr, bool)>,
    known: HashMap<Expr, Lang>,
    derived: HashMap<(Lang, u8), Lang>,
    work: u64,
}

impl Languages {
    /// An arena in which `work` steps may be done.
    pub fn new(work: u64) -> Self {
        let mut new =
            Self { exprs: Vec::new(), known: HashMap::new(), derived: HashMap::new(), work };
        for (expr, has_blank) in
            [(Expr::Set(ByteSet::EMPTY), false), (Expr::Blank, true), (Expr::Not(NOTHING), true)]
        {
            new.known.insert(expr.clone(), Lang(new.exprs.len() as u32));
            new.exprs.push((expr, has_blank));
        }
        new
    }

    /// Whether the empty text is in `lang`.
    pub fn has_blank(&self, lang: Lang) -> bool {
        self.exprs[lang.0 as usize].1
    }

    /// Takes `steps` from the work that is left. Once it did not suffice nothing is left.
    pub fn spend(&mut self, steps: usize) -> Result<(), Spent> {
        let left = self.work.checked_sub(steps as u64);
        self.work = left.unwrap_or(0);
        left.map(|_| ()).ok_or(Spent)
    }

    fn expr(&self, lang: Lang) -> &Expr {
        &self.exprs[lang.0 as usize].0
    }

    fn intern(&mut self, expr: Expr) -> Result<Lang, Spent> {
        self.spend(match &expr {
            Expr::Any(members) | Expr::All(members) => members.len(),
            _ => 1,
        })?;
        if let Some(&lang) = self.known.get(&expr) {
            return Ok(lang);
        }
        let has_blank = match &expr {
            Expr::Set(_) => false,
            Expr::Blank => true,
            Expr::Then(first, second) => self.has_blank(*first) && self.has_blank(*second),
            Expr::Any(members) => members.iter().any(|&member| self.has_blank(member)),
            Expr::All(members) => members.iter().all(|&member| self.has_blank(member)),
            Expr::Not(of) => !self.has_blank(*of),
            Expr::Repeat { of, min, .. } => *min == 0 || self.has_blank(*of),
        };
        // The work bounds the number far below what the type holds.
        let lang = Lang(self.exprs.len() as u32);
        self.exprs.push((expr.clone(), has_blank));
        self.known.insert(expr, lang);
        Ok(lang)
    }

    /// One byte of `set`.
    pub fn set(&mut self, set: ByteSet) -> Result<Lang, Spent> {
        self.intern(Expr::Set(set))
    }

    /// The text `bytes`; with `fold` its ASCII letters in either case.
    pub fn text(&mut self, bytes: &[u8], fold: bool) -> Result<Lang, Spent> {
        let mut lang = BLANK;
        for &byte in bytes.iter().rev() {
            let set = ByteSet::of([byte]);
            let set = self.set(if fold { set.folded() } else { set })?;
            lang = self.then(set, lang)?;
        }
        Ok(lang)
    }

    /// One after the other.
    pub fn then(&mut self, first: Lang, second: Lang) -> Result<Lang, Spent> {
        self.then_at(first, second, 0)
    }

    fn then_at(&mut self, first: Lang, second: Lang, depth: u32) -> Result<Lang, Spent> {
        if depth > MAX_DEPTH {
            return Err(Spent);
        }
        if first == NOTHING || second == NOTHING {
            return Ok(NOTHING);
        }
        // The first's chain is hung in front link by link, without recursion: it can be long.
        let (mut links, mut rest) = (Vec::new(), first);
        while let Expr::Then(link, tail) = *self.expr(rest) {
            links.push(link);
            rest = tail;
        }
        let mut lang = self.then_link(rest, second, depth)?;
        for link in links.into_iter().rev() {
            lang = self.then_link(link, lang, depth)?;
        }
        Ok(lang)
    }

    fn then_link(&mut self, first: Lang, second: Lang, depth: u32) -> Result<Lang, Spent> {
        let idle = first == ANYTHING
            && (second == ANYTHING || matches!(self.expr(second), Expr::Then(ANYTHING, _)));
        if first == BLANK || idle {
            return Ok(second);
        }
        if second == BLANK {
            return Ok(first);
        }
        // Spread out, the members are the states of an automaton, of which there are few.
        let members = match self.expr(first) {
            Expr::Any(members) => members.clone(),
            _ => return self.intern(Expr::Then(first, second)),
        };
        let spread = members.into_iter().map(|member| self.then_at(member, second, depth + 1));
        let spread = spread.collect::<Result<_, _>>()?;
        self.any(spread)
    }

    /// One of them.
    pub fn any(&mut self, members: Vec<Lang>) -> Result<Lang, Spent> {
        self.spend(members.len())?;
        let (mut flat, mut bytes) = (Vec::new(), ByteSet::EMPTY);
        for member in members {
            match self.expr(member) {
                Expr::Any(inner) => flat.extend_from_slice(inner),
                _ => flat.push(member),
            }
        }
        flat.retain(|&member| match self.expr(member) {
            Expr::Set(set) => {
                bytes = bytes.union(*set);
                false
            }
            _ => true,
        });
        if bytes != ByteSet::EMPTY {
            flat.push(self.set(bytes)?);
        }
        flat.sort_unstable();
        flat.dedup();
        if flat.iter().any(|&lang| lang != BLANK && self.has_blank(lang)) {
            flat.retain(|&lang| lang != BLANK);
        }
        if flat.contains(&ANYTHING) || self.has_opposites(&flat) {
            return Ok(ANYTHING);
        }
        match flat.as_slice() {
            [] => Ok(NOTHING),
            [only] => Ok(*only),
            _ => self.intern(Expr::Any(flat)),
        }
    }

    /// What is in all of them.
    pub fn all(&mut self, members: Vec<Lang>) -> Result<Lang, Spent> {
        self.spend(members.len())?;
        let (mut flat, mut bytes) = (Vec::new(), None);
        for member in members {
            match self.expr(member) {
                Expr::All(inner) => flat.extend_from_slice(inner),
                _ => flat.push(member),
            }
        }
        flat.retain(|&member| match self.expr(member) {
            Expr::Set(set) => {
                bytes = Some(bytes.unwrap_or(ByteSet::FULL).intersection(*set));
                false
            }
            _ => member != ANYTHING,
        });
        if let Some(bytes) = bytes {
            flat.push(self.set(bytes)?);
        }
        flat.sort_unstable();
        flat.dedup();
        if flat.contains(&NOTHING) || self.has_opposites(&flat) {
            return Ok(NOTHING);
        }
        if flat.contains(&BLANK) {
            let all = flat.iter().all(|&lang| self.has_blank(lang));
            return Ok(if all { BLANK } else { NOTHING });
        }
        match flat.as_slice() {
            [] => Ok(ANYTHING),
            [only] => Ok(*only),
            _ => self.intern(Expr::All(flat)),
        }
    }

    /// Whether a sorted list has a language and its complement.
    fn has_opposites(&self, sorted: &[Lang]) -> bool {
        sorted.iter().any(|&lang| match self.expr(lang) {
            Expr::Not(of) => sorted.binary_search(of).is_ok(),
            _ => false,
        })
    }

    /// What is not in `lang`.
    pub fn not(&mut self, lang: Lang) -> Result<Lang, Spent> {
        match *self.expr(lang) {
            Expr::Not(of) => Ok(of),
            _ => self.intern(Expr::Not(lang)),
        }
    }

    /// `of`, repeated.
    pub fn repeat(&mut self, of: Lang, min: u32, max: Option<u32>) -> Result<Lang, Spent> {
        let min = if self.has_blank(of) { 0 } else { min };
        let every_byte = matches!(self.expr(of), Expr::Set(set) if *set == ByteSet::FULL);
        let is_star = matches!(self.expr(of), Expr::Repeat { min: 0, max: None, .. });
        match (of, min, max) {
            (BLANK, ..) | (_, _, Some(0)) | (NOTHING, 0, _) => Ok(BLANK),
            (NOTHING, ..) => Ok(NOTHING),
            (_, 1, Some(1)) => Ok(of),
            (ANYTHING, ..) => Ok(ANYTHING),
            (_, 0, None) if every_byte => Ok(ANYTHING),
            (_, 0, _) if is_star => Ok(of),
            _ => self.intern(Expr::Repeat { of, min, max }),
        }
    }

    /// What can follow `byte` in `lang`.
    pub fn derive(&mut self, lang: Lang, byte: u8) -> Result<Lang, Spent> {
        self.derive_at(lang, byte, 0)
    }

    fn derive_at(&mut self, lang: Lang, byte: u8, depth: u32) -> Result<Lang, Spent> {
        self.spend(1)?;
        if depth > MAX_DEPTH {
            return Err(Spent);
        }
        if let Some(&derived) = self.derived.get(&(lang, byte)) {
            return Ok(derived);
        }
        let derived = match self.expr(lang).clone() {
            Expr::Set(set) => {
                if set.contains(byte) {
                    BLANK
                } else {
                    NOTHING
                }
            }
            Expr::Blank => NOTHING,
            Expr::Then(first, second) => {
                let head = self.derive_at(first, byte, depth + 1)?;
                let through_first = self.then(head, second)?;
                if self.has_blank(first) {
                    let past_first = self.derive_at(second, byte, depth + 1)?;
                    self.any(vec![through_first, past_first])?
                } else {
                    through_first
                }
            }
            Expr::Any(members) => {
                let members = self.derive_each(&members, byte, depth)?;
                self.any(members)?
            }
            Expr::All(members) => {
                let members = self.derive_each(&members, byte, depth)?;
                self.all(members)?
            }
            Expr::Not(of) => {
                let of = self.derive_at(of, byte, depth + 1)?;
                self.not(of)?
            }
            Expr::Repeat { of, min, max } => {
                let head = self.derive_at(of, byte, depth + 1)?;
                let rest = self.repeat(of, min.saturating_sub(1), max.map(|max| max - 1))?;
                self.then(head, rest)?
            }
        };
        self.derived.insert((lang, byte), derived);
        Ok(derived)
    }

    fn derive_each(&mut self, members: &[Lang], byte: u8, depth: u32) -> Result<Vec<Lang>, Spent> {
        members.iter().map(|&member| self.derive_at(member, byte, depth + 1)).collect()
    }

    /// For each byte, the one that stands for all that no language of the arena, and none of `also`,
    /// tells apart from it; a readable one where there is one.
    pub fn representatives(&mut self, also: &[ByteSet]) -> Result<[u8; 256], Spent> {
        let of_exprs = self.exprs.iter().filter_map(|(expr, _)| match expr {
            Expr::Set(set) => Some(*set),
            _ => None,
        });
        let sets: HashSet<ByteSet> = of_exprs.chain(also.iter().copied()).collect();
        let mut class = [0_u16; 256];
        for set in sets {
            self.spend(1)?;
            class = split_classes(&class, &set);
        }
        let mut found: HashMap<u16, u8> = HashMap::new();
        let readable = (b'a'..=b'z').chain(b'0'..=b'9').chain(b' '..=b'~');
        for byte in readable.chain(0..=u8::MAX) {
            found.entry(class[usize::from(byte)]).or_insert(byte);
        }
        Ok(class.map(|class| found.get(&class).copied().unwrap_or_default()))
    }

    /// A shortest text of `lang` without any byte of `excluded`; `None` if there is none.
    pub fn example(&mut self, lang: Lang, excluded: ByteSet) -> Result<Option<Vec<u8>>, Spent> {
        let bytes = single(&self.representatives(&[excluded])?, excluded);
        let mut seen: Vec<(Lang, usize, u8)> = vec![(lang, 0, 0)];
        let mut met = HashSet::from([lang]);
        let mut queue = VecDeque::from([0]);
        while let Some(at) = queue.pop_front() {
            let (state, ..) = seen[at];
            if self.has_blank(state) {
                return Ok(Some(trace(&seen, at)));
            }
            for &byte in &bytes {
                let next = self.derive(state, byte)?;
                if next != NOTHING && met.insert(next) {
                    queue.push_back(seen.len());
                    seen.push((next, at, byte));
                }
            }
        }
        Ok(None)
    }
}

/// The classes of bytes, split by whether they are in `set`.
fn split_classes(class: &[u16; 256], set: &ByteSet) -> [u16; 256] {
    let mut numbers: HashMap<(u16, bool), u16> = HashMap::new();
    let mut split = [0; 256];
    for byte in 0..=u8::MAX {
        let next = numbers.len() as u16;
        let key = (class[usize::from(byte)], set.contains(byte));
        split[usize::from(byte)] = *numbers.entry(key).or_insert(next);
    }
    split
}

/// The bytes that stand for others, without the `excluded`.
pub fn single(representatives: &[u8; 256], excluded: ByteSet) -> Vec<u8> {
    let of_themselves = (0..=u8::MAX).filter(|&byte| representatives[usize::from(byte)] == byte);
    of_themselves.filter(|&byte| !excluded.contains(byte)).collect()
}

/// The bytes on the way to `at`.
fn trace(seen: &[(Lang, usize, u8)], mut at: usize) -> Vec<u8> {
    let mut text = Vec::new();
    while at != 0 {
        let (_, before, byte) = seen[at];
        text.push(byte);
        at = before;
    }
    text.reverse();
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text that is in one of the languages and not in the other.
    fn difference(langs: &mut Languages, one: Lang, other: Lang) -> Option<Vec<u8>> {
        for (inner, outer) in [(one, other), (other, one)] {
            let outside = langs.not(outer).unwrap();
            let both = langs.all(vec![inner, outside]).unwrap();
            if let Some(text) = langs.example(both, ByteSet::EMPTY).unwrap() {
                return Some(text);
            }
        }
        None
    }

    #[test]
    fn a_language_said_in_two_ways_is_one() {
        let mut langs = Languages::new(10_000);
        let either = langs.set(ByteSet::of(*b"ab")).unwrap();
        let star = langs.repeat(either, 0, None).unwrap();
        let other = langs.set(ByteSet::of(*b"ab").complement()).unwrap();
        let has_other = langs.then(other, ANYTHING).unwrap();
        let has_other = langs.then(ANYTHING, has_other).unwrap();
        let none_other = langs.not(has_other).unwrap();
        assert_eq!(difference(&mut langs, star, none_other), None);
        let some = langs.repeat(either, 1, None).unwrap();
        assert_eq!(difference(&mut langs, star, some), Some(Vec::new()));
        let three = langs.repeat(either, 3, Some(3)).unwrap();
        let up_to_three = langs.repeat(either, 0, Some(3)).unwrap();
        assert_eq!(difference(&mut langs, three, up_to_three), Some(Vec::new()));
        let word = langs.text(b"aB", true).unwrap();
        let word_in_case = langs.text(b"ab", false).unwrap();
        let found = difference(&mut langs, word, word_in_case).unwrap();
        assert!(["aB", "Ab", "AB"].map(str::as_bytes).contains(&found.as_slice()), "{found:?}");
    }

    #[test]
    fn an_example_keeps_clear_of_what_is_excluded() {
        let mut langs = Languages::new(10_000);
        let line_feed = langs.text(b"\n", false).unwrap();
        let letter = langs.text(b"xyz", false).unwrap();
        let either = langs.any(vec![line_feed, letter]).unwrap();
        assert_eq!(langs.example(either, ByteSet::EMPTY).unwrap(), Some(b"\n".to_vec()));
        assert_eq!(langs.example(either, ByteSet::of(*b"\n")).unwrap(), Some(b"xyz".to_vec()));
        assert_eq!(langs.example(line_feed, ByteSet::of(*b"\n")).unwrap(), None);
    }

    #[test]
    fn work_that_is_used_up_stays_used_up() {
        let mut langs = Languages::new(100);
        let a = langs.text(b"a", false).unwrap();
        let a = langs.then(ANYTHING, a).unwrap();
        let any = langs.set(ByteSet::FULL).unwrap();
        let tail = langs.repeat(any, 50, Some(50)).unwrap();
        let hard = langs.then(a, tail).unwrap();
        assert_eq!(langs.example(hard, ByteSet::EMPTY), Err(Spent));
        assert_eq!(langs.spend(1), Err(Spent));
    }
}
