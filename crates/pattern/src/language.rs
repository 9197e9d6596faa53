//! Regular languages over bytes, with intersection and complement, as expressions that are derived
//! by one byte after the other (Brzozowski). Equal expressions are one, so that the derivatives of
//! an expression are the states of its automaton.
//!
//! Every construction is paid for from a fixed amount of work: a hostile pattern costs no more than
//! that, and then its answer is not known.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::ast::{ByteSet, of_byte};

/// How deep a derivation or a construction may descend.
const MAX_DEPTH: u32 = 256;

/// A language of an arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Language(u32);

/// No text.
pub const EMPTY_SET: Language = Language(0);
/// The empty text.
pub const EPSILON: Language = Language(1);
/// Every text.
pub const SIGMA_STAR: Language = Language(2);

/// What the languages of an arena outside of it are.
static NO_TEXT: Expr = Expr::Set(ByteSet::EMPTY);

/// The work is used up: the answer is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetExhausted;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Expr {
    Set(ByteSet),
    Epsilon,
    Concat(Language, Language),
    /// Sorted, at least two, none of them a `Union`.
    Union(Vec<Language>),
    /// Sorted, at least two, none of them an `Intersection`.
    Intersection(Vec<Language>),
    Complement(Language),
    Repeat {
        of: Language,
        min: u32,
        max: Option<u32>,
    },
}

/// Languages, and what is left of the work that may be done on them.
#[derive(Debug)]
pub struct Languages {
    exprs: Vec<(Expr, bool)>,
    known: HashMap<Expr, Language>,
    derived: HashMap<(Language, u8), Language>,
    work: u64,
}

impl Languages {
    /// An arena in which `work` steps may be done.
    pub fn new(work: u64) -> Self {
        let mut new =
            Self { exprs: Vec::new(), known: HashMap::new(), derived: HashMap::new(), work };
        for (expr, is_nullable) in [
            (Expr::Set(ByteSet::EMPTY), false),
            (Expr::Epsilon, true),
            (Expr::Complement(EMPTY_SET), true),
        ] {
            new.known.insert(expr.clone(), Language(new.exprs.len() as u32));
            new.exprs.push((expr, is_nullable));
        }
        new
    }

    /// Whether the empty text is in `lang`.
    pub fn is_nullable(&self, lang: Language) -> bool {
        self.exprs.get(lang.0 as usize).is_some_and(|(_, is_nullable)| *is_nullable)
    }

    /// Takes `steps` from the work that is left. Once it did not suffice nothing is left.
    ///
    /// # Errors
    /// The work that may be done does not suffice.
    pub fn charge(&mut self, steps: usize) -> Result<(), BudgetExhausted> {
        let left = self.work.checked_sub(steps as u64);
        self.work = left.unwrap_or(0);
        left.map(|_| ()).ok_or(BudgetExhausted)
    }

    fn expr(&self, lang: Language) -> &Expr {
        // Each language is a place in this list; one of another arena is the empty set.
        self.exprs.get(lang.0 as usize).map_or(&NO_TEXT, |(expr, _)| expr)
    }

    fn intern(&mut self, expr: Expr) -> Result<Language, BudgetExhausted> {
        self.charge(match &expr {
            Expr::Union(members) | Expr::Intersection(members) => members.len(),
            _ => 1,
        })?;
        if let Some(&lang) = self.known.get(&expr) {
            return Ok(lang);
        }
        let is_nullable = match &expr {
            Expr::Set(_) => false,
            Expr::Epsilon => true,
            Expr::Concat(first, second) => self.is_nullable(*first) && self.is_nullable(*second),
            Expr::Union(members) => members.iter().any(|&member| self.is_nullable(member)),
            Expr::Intersection(members) => members.iter().all(|&member| self.is_nullable(member)),
            Expr::Complement(of) => !self.is_nullable(*of),
            Expr::Repeat { of, min, .. } => *min == 0 || self.is_nullable(*of),
        };
        // The work bounds the number far below what the type holds.
        let lang = Language(self.exprs.len() as u32);
        self.exprs.push((expr.clone(), is_nullable));
        self.known.insert(expr, lang);
        Ok(lang)
    }

    /// One byte of `set`.
    ///
    /// # Errors
    /// The work that may be done does not suffice.
    pub fn set(&mut self, set: ByteSet) -> Result<Language, BudgetExhausted> {
        self.intern(Expr::Set(set))
    }

    /// The text `bytes`; with `fold` its ASCII letters in either case.
    ///
    /// # Errors
    /// The work that may be done does not suffice.
    pub fn text(&mut self, bytes: &[u8], fold: bool) -> Result<Language, BudgetExhausted> {
        let mut lang = EPSILON;
        for &byte in bytes.iter().rev() {
            let set = ByteSet::of([byte]);
            let set = self.set(if fold { set.folded() } else { set })?;
            lang = self.concat(set, lang)?;
        }
        Ok(lang)
    }

    /// One after the other.
    ///
    /// # Errors
    /// The work that may be done does not suffice.
    pub fn concat(
        &mut self,
        first: Language,
        second: Language,
    ) -> Result<Language, BudgetExhausted> {
        self.concat_at(first, second, 0)
    }

    fn concat_at(
        &mut self,
        first: Language,
        second: Language,
        depth: u32,
    ) -> Result<Language, BudgetExhausted> {
        if depth > MAX_DEPTH {
            return Err(BudgetExhausted);
        }
        if first == EMPTY_SET || second == EMPTY_SET {
            return Ok(EMPTY_SET);
        }
        // The first's chain is hung in front link by link, without recursion: it can be long.
        let (mut links, mut rest) = (Vec::new(), first);
        while let Expr::Concat(link, tail) = *self.expr(rest) {
            links.push(link);
            rest = tail;
        }
        let mut lang = self.concat_link(rest, second, depth)?;
        for link in links.into_iter().rev() {
            lang = self.concat_link(link, lang, depth)?;
        }
        Ok(lang)
    }

    fn concat_link(
        &mut self,
        first: Language,
        second: Language,
        depth: u32,
    ) -> Result<Language, BudgetExhausted> {
        let idle = first == SIGMA_STAR
            && (second == SIGMA_STAR || matches!(self.expr(second), Expr::Concat(SIGMA_STAR, _)));
        if first == EPSILON || idle {
            return Ok(second);
        }
        if second == EPSILON {
            return Ok(first);
        }
        // Spread out, the members are the states of an automaton, of which there are few.
        let members = match self.expr(first) {
            Expr::Union(members) => members.clone(),
            _ => return self.intern(Expr::Concat(first, second)),
        };
        let spread = members.into_iter().map(|member| self.concat_at(member, second, depth + 1));
        let spread = spread.collect::<Result<_, _>>()?;
        self.union(spread)
    }

    /// One of them.
    ///
    /// # Errors
    /// The work that may be done does not suffice.
    pub fn union(&mut self, members: Vec<Language>) -> Result<Language, BudgetExhausted> {
        self.charge(members.len())?;
        let (mut flat, mut bytes) = (Vec::new(), ByteSet::EMPTY);
        for member in members {
            match self.expr(member) {
                Expr::Union(inner) => flat.extend_from_slice(inner),
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
        // Sorted, and without what says nothing: equal unions must be one, or there would be more states
        // of the automaton than there are.
        flat.sort_unstable();
        flat.dedup();
        if flat.iter().any(|&lang| lang != EPSILON && self.is_nullable(lang)) {
            flat.retain(|&lang| lang != EPSILON);
        }
        if flat.contains(&SIGMA_STAR) || self.has_opposites(&flat) {
            return Ok(SIGMA_STAR);
        }
        match flat.as_slice() {
            [] => Ok(EMPTY_SET),
            [only] => Ok(*only),
            _ => self.intern(Expr::Union(flat)),
        }
    }

    /// What is in all of them.
    ///
    /// # Errors
    /// The work that may be done does not suffice.
    pub fn intersection(&mut self, members: Vec<Language>) -> Result<Language, BudgetExhausted> {
        self.charge(members.len())?;
        let (mut flat, mut bytes) = (Vec::new(), None);
        for member in members {
            match self.expr(member) {
                Expr::Intersection(inner) => flat.extend_from_slice(inner),
                _ => flat.push(member),
            }
        }
        flat.retain(|&member| match self.expr(member) {
            Expr::Set(set) => {
                bytes = Some(bytes.unwrap_or(ByteSet::FULL).intersection(*set));
                false
            }
            _ => member != SIGMA_STAR,
        });
        if let Some(bytes) = bytes {
            flat.push(self.set(bytes)?);
        }
        flat.sort_unstable();
        flat.dedup();
        if flat.contains(&EMPTY_SET) || self.has_opposites(&flat) {
            return Ok(EMPTY_SET);
        }
        if flat.contains(&EPSILON) {
            let all = flat.iter().all(|&lang| self.is_nullable(lang));
            return Ok(if all { EPSILON } else { EMPTY_SET });
        }
        match flat.as_slice() {
            [] => Ok(SIGMA_STAR),
            [only] => Ok(*only),
            _ => self.intern(Expr::Intersection(flat)),
        }
    }

    /// Whether a sorted list has a language and its complement.
    fn has_opposites(&self, sorted: &[Language]) -> bool {
        sorted.iter().any(|&lang| match self.expr(lang) {
            Expr::Complement(of) => sorted.binary_search(of).is_ok(),
            _ => false,
        })
    }

    /// What is not in `lang`.
    ///
    /// # Errors
    /// The work that may be done does not suffice.
    pub fn complement(&mut self, lang: Language) -> Result<Language, BudgetExhausted> {
        match *self.expr(lang) {
            Expr::Complement(of) => Ok(of),
            _ => self.intern(Expr::Complement(lang)),
        }
    }

    /// `of`, repeated.
    ///
    /// # Errors
    /// The work that may be done does not suffice.
    pub fn repeat(
        &mut self,
        of: Language,
        min: u32,
        max: Option<u32>,
    ) -> Result<Language, BudgetExhausted> {
        let min = if self.is_nullable(of) { 0 } else { min };
        let every_byte = matches!(self.expr(of), Expr::Set(set) if *set == ByteSet::FULL);
        let is_star = matches!(self.expr(of), Expr::Repeat { min: 0, max: None, .. });
        match (of, min, max) {
            (EPSILON, ..) | (_, _, Some(0)) | (EMPTY_SET, 0, _) => Ok(EPSILON),
            (EMPTY_SET, ..) => Ok(EMPTY_SET),
            (_, 1, Some(1)) => Ok(of),
            (SIGMA_STAR, ..) => Ok(SIGMA_STAR),
            (_, 0, None) if every_byte => Ok(SIGMA_STAR),
            (_, 0, _) if is_star => Ok(of),
            _ => self.intern(Expr::Repeat { of, min, max }),
        }
    }

    /// What can follow `byte` in `lang`.
    ///
    /// # Errors
    /// The work that may be done does not suffice.
    pub fn derive(&mut self, lang: Language, byte: u8) -> Result<Language, BudgetExhausted> {
        self.derive_at(lang, byte, 0)
    }

    fn derive_at(
        &mut self,
        lang: Language,
        byte: u8,
        depth: u32,
    ) -> Result<Language, BudgetExhausted> {
        self.charge(1)?;
        if depth > MAX_DEPTH {
            return Err(BudgetExhausted);
        }
        if let Some(&derived) = self.derived.get(&(lang, byte)) {
            return Ok(derived);
        }
        let derived = match self.expr(lang).clone() {
            Expr::Set(set) if set.contains(byte) => EPSILON,
            Expr::Set(_) | Expr::Epsilon => EMPTY_SET,
            Expr::Concat(first, second) => self.derive_concat(first, second, byte, depth)?,
            Expr::Union(members) => {
                let members = self.derive_each(&members, byte, depth)?;
                self.union(members)?
            }
            Expr::Intersection(members) => {
                let members = self.derive_each(&members, byte, depth)?;
                self.intersection(members)?
            }
            Expr::Complement(of) => {
                let of = self.derive_at(of, byte, depth + 1)?;
                self.complement(of)?
            }
            Expr::Repeat { of, min, max } => {
                let head = self.derive_at(of, byte, depth + 1)?;
                let rest = self.repeat(of, min.saturating_sub(1), max.map(|max| max - 1))?;
                self.concat(head, rest)?
            }
        };
        self.derived.insert((lang, byte), derived);
        Ok(derived)
    }

    fn derive_concat(
        &mut self,
        first: Language,
        second: Language,
        byte: u8,
        depth: u32,
    ) -> Result<Language, BudgetExhausted> {
        let head = self.derive_at(first, byte, depth + 1)?;
        let through_first = self.concat(head, second)?;
        if !self.is_nullable(first) {
            return Ok(through_first);
        }
        // The byte can also be the first one of the second part.
        let past_first = self.derive_at(second, byte, depth + 1)?;
        self.union(vec![through_first, past_first])
    }

    fn derive_each(
        &mut self,
        members: &[Language],
        byte: u8,
        depth: u32,
    ) -> Result<Vec<Language>, BudgetExhausted> {
        members.iter().map(|&member| self.derive_at(member, byte, depth + 1)).collect()
    }

    /// For each byte, the one that stands for all that no language of the arena, and none of `also`,
    /// tells apart from it; a readable one where there is one.
    ///
    /// # Errors
    /// The work that may be done does not suffice.
    pub fn representatives(&mut self, also: &[ByteSet]) -> Result<[u8; 256], BudgetExhausted> {
        let of_exprs = self.exprs.iter().filter_map(|(expr, _)| match expr {
            Expr::Set(set) => Some(*set),
            _ => None,
        });
        let sets: HashSet<ByteSet> = of_exprs.chain(also.iter().copied()).collect();
        let mut class = [0_u16; 256];
        for set in sets {
            self.charge(1)?;
            class = split_classes(&class, &set);
        }
        let mut found: HashMap<u16, u8> = HashMap::new();
        let readable = (b'a'..=b'z').chain(b'0'..=b'9').chain(b' '..=b'~');
        for byte in readable.chain(0..=u8::MAX) {
            found.entry(of_byte(&class, byte)).or_insert(byte);
        }
        Ok(class.map(|class| found.get(&class).copied().unwrap_or_default()))
    }

    /// A shortest text of `lang` without any byte of `excluded`; `None` if there is none.
    ///
    /// # Errors
    /// The work that may be done does not suffice.
    pub fn example(
        &mut self,
        lang: Language,
        excluded: ByteSet,
    ) -> Result<Option<Vec<u8>>, BudgetExhausted> {
        // One byte of each class is enough: what is reached by the others is the same.
        let bytes = representative_bytes(&self.representatives(&[excluded])?, excluded);
        // For each language that was reached: from which one, and by which byte.
        let mut seen: Vec<(Language, usize, u8)> = vec![(lang, 0, 0)];
        let mut met = HashSet::from([lang]);
        let mut queue = VecDeque::from([0]);
        while let Some(at) = queue.pop_front() {
            let Some(&(state, ..)) = seen.get(at) else { break };
            if self.is_nullable(state) {
                return Ok(Some(trace(&seen, at)));
            }
            for &byte in &bytes {
                let next = self.derive(state, byte)?;
                if next != EMPTY_SET && met.insert(next) {
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
    let mut split = *class;
    for (byte, class) in (0..=u8::MAX).zip(&mut split) {
        let next = numbers.len() as u16;
        *class = *numbers.entry((*class, set.contains(byte))).or_insert(next);
    }
    split
}

/// The bytes that stand for others, without the `excluded`.
pub(crate) fn representative_bytes(representatives: &[u8; 256], excluded: ByteSet) -> Vec<u8> {
    let of_themselves = (0..=u8::MAX).filter(|&byte| of_byte(representatives, byte) == byte);
    of_themselves.filter(|&byte| !excluded.contains(byte)).collect()
}

/// The bytes on the way to `at`.
fn trace(seen: &[(Language, usize, u8)], mut at: usize) -> Vec<u8> {
    let mut text = Vec::new();
    while let Some(&(_, before, byte)) = seen.get(at).filter(|_| at != 0) {
        text.push(byte);
        at = before;
    }
    text.reverse();
    text
}

#[cfg(test)]
mod tests;
