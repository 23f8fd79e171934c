//! What people are told, a few at a time: a pod can hold thousands of clashes, and nobody reads more than some dozens.

/// The first of what is told; the rest is counted, and never made.
#[derive(Debug)]
pub struct Few<T> {
    told: Vec<T>,
    more: usize,
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Few { told: Vec::new(), more: 0 }
    }
}

pub(super) type Warnings = Few<String>;
pub(super) type Refusals = Few<super::Refusal>;

/// So many warnings, and so many refusals.
pub(super) const MOST_TOLD: usize = 20;

impl<T> Few<T> {
    /// One more, which is only made if it is told.
    pub fn tell(&mut self, one: impl FnOnce() -> T) {
        if self.told.len() < MOST_TOLD {
            self.told.push(one());
        } else {
            self.more += 1;
        }
    }

    pub(super) fn of(one: T) -> Self {
        Few { told: vec![one], more: 0 }
    }

    /// What is there already.
    pub(super) fn extend(&mut self, all: impl IntoIterator<Item = T>) {
        for one in all {
            self.tell(|| one);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.told.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.told.iter_mut()
    }

    /// What is told, and how many more there are.
    pub fn finish(self) -> (Vec<T>, usize) {
        (self.told, self.more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_are_made_than_are_told() {
        let (mut few, mut made) = (Few::default(), 0);
        for _ in 0..100_000 {
            few.tell(|| made += 1);
        }
        let (told, more) = few.finish();
        assert_eq!((told.len(), made, more), (20, 20, 99_980));
    }
}
