//! The bytes of a file in memory that suits their number: pages of 4 KiB each for a hundred megabytes cost more time than
//! to read them.

use std::ops::{Deref, DerefMut};

#[cfg(target_os = "linux")]
use memmap2::{Advice, MmapMut};

/// Bytes, few or many.
#[derive(Debug)]
pub struct Bytes(Memory);

#[derive(Debug)]
enum Memory {
    Few(Vec<u8>),
    /// With the number of those in use.
    #[cfg(target_os = "linux")]
    Many(MmapMut, usize),
}

impl Bytes {
    /// So many NUL.
    pub fn zeroed(length: usize) -> Bytes {
        /// Less than some large pages are not worth it.
        #[cfg(target_os = "linux")]
        const MANY: usize = 8 << 20;
        #[cfg(target_os = "linux")]
        if length >= MANY
            && let Ok(memory) = MmapMut::map_anon(length)
        {
            // Where the system does not give large pages, small ones do as well.
            let _ = memory.advise(Advice::HugePage);
            return Bytes(Memory::Many(memory, length));
        }
        Bytes(Memory::Few(vec![0; length]))
    }

    /// Keeps so many only.
    pub fn truncate(&mut self, length: usize) {
        match &mut self.0 {
            Memory::Few(bytes) => bytes.truncate(length),
            #[cfg(target_os = "linux")]
            Memory::Many(_, used) => *used = length.min(*used),
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        Bytes(Memory::Few(bytes))
    }
}

impl Clone for Bytes {
    fn clone(&self) -> Bytes {
        self.to_vec().into()
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Memory::Few(bytes) => bytes,
            #[cfg(target_os = "linux")]
            Memory::Many(memory, used) => &memory[..*used],
        }
    }
}

impl DerefMut for Bytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        match &mut self.0 {
            Memory::Few(bytes) => bytes,
            #[cfg(target_os = "linux")]
            Memory::Many(memory, used) => &mut memory[..*used],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_are_alike() {
        for length in [0, 1, 9 << 20] {
            let mut bytes = Bytes::zeroed(length + 1);
            assert_eq!(bytes.len(), length + 1);
            bytes[length] = b'x';
            assert_eq!(bytes.last(), Some(&b'x'));
            bytes.truncate(length);
            assert!(bytes.iter().all(|byte| *byte == 0));
            assert_eq!(bytes.clone().to_vec(), vec![0; length]);
        }
    }
}
