//! A set of windows of four bytes, as tables that stay in vector registers.
//!
//! Three hashes of eight bits are taken of a window, and a few bitmaps of 2,048 bits are
//! looked into, each at a place that two of the hashes give. A window is in the set only
//! if every bitmap has its bit set. The hashes are linear over GF(2): the sum (exclusive
//! or) of one product of a matrix for each byte, which is one instruction for sixty-four
//! bytes (`gf2p8affineqb`).
//!
//! Few large bitmaps let through less than many small ones for the same work: with some 1,700
//! windows, 56 of 100 bits are set, where 81 are of 1,024, and seven of these let through a
//! third as many places of telemetry as twelve of those.
//!
//! Bytes are *folded* before: case does not count, nor which separator stands between two
//! words of a key's name, nor which sign behind it. Needles come in all these spellings,
//! so that there are several times fewer windows of folded bytes.

/// Bitmaps that are looked into.
pub(super) const BITMAPS: usize = 7;

/// Bytes of a bitmap: what two instructions look up in (`vpermi2b`).
pub(super) const BITMAP_LEN: usize = 256;

/// For each hash, one matrix for each byte of a window: numbers without a pattern (of the
/// digits of pi).
pub(super) const MATRICES: [[u64; 4]; 3] = [
    [0x243F_6A88_85A3_08D3, 0x1319_8A2E_0370_7344, 0xA409_3822_299F_31D0, 0x082E_FA98_EC4E_6C89],
    [0x4528_21E6_38D0_1377, 0xBE54_66CF_34E9_0C6C, 0xC0AC_29B7_C97C_50DD, 0x3F84_D5B5_B547_0917],
    [0x9216_D5D9_8979_FB1B, 0xD131_0BA6_98DF_B5AC, 0x2FFD_72DB_D01A_DFB7, 0xB8E1_AFED_6A26_7E96],
];

/// What each byte is folded to, by its lower seven bits.
#[expect(clippy::indexing_slicing, reason = "the loop ends at the length")]
pub(super) const FOLDED: [u8; 128] = {
    let mut table = [0; 128];
    let mut byte = 0;
    while byte < 128 {
        table[byte as usize] = match byte {
            b' ' | b'-' | b'.' | b':' | b'_' => b'-',
            0..b' '
            | b'"'
            | b'%'
            | b'&'
            | b'\''
            | b')'
            | b'='
            | b'>'
            | b'\\'
            | b']'
            | b'`'
            | 0x7f => b'=',
            _ => byte.to_ascii_lowercase(),
        };
        byte += 1;
    }
    table
};

/// What a byte is folded to.
#[inline(always)]
#[expect(clippy::indexing_slicing, reason = "seven bits are below 128")]
pub(super) fn fold(byte: u8) -> u8 {
    FOLDED[usize::from(byte & 0x7f)]
}

/// A set of windows.
pub(super) struct Screen {
    pub(super) bitmaps: [[u8; BITMAP_LEN]; BITMAPS],
}

impl Screen {
    pub(super) fn new(windows: impl Iterator<Item = u32>) -> Self {
        let mut bitmaps = [[0; BITMAP_LEN]; BITMAPS];
        for window in windows {
            for (bitmap, (byte, bit)) in bitmaps.iter_mut().zip(places(window)) {
                if let Some(byte) = bitmap.get_mut(usize::from(byte)) {
                    *byte |= 1 << (bit & 7);
                }
            }
        }
        Self { bitmaps }
    }
}

/// Where each bitmap is looked into for a window: which byte, and, in the lower three
/// bits, which bit of it.
fn places(window: u32) -> [(u8, u8); BITMAPS] {
    let [a, b, c] = MATRICES.map(|matrices| {
        let products = matrices.into_iter().zip(window.to_le_bytes());
        products.fold(0, |sum, (matrix, byte)| sum ^ product(matrix, byte))
    });
    [(a, b), (b, c), (c, a), (a ^ b, c), (b ^ c, a), (c ^ a, b), (a ^ b ^ c, a ^ b)]
}

/// The product of a matrix and a byte, as `gf2p8affineqb` computes it: bit n is the parity
/// of the byte and row 7 - n.
fn product(matrix: u64, byte: u8) -> u8 {
    let rows = matrix.to_be_bytes().into_iter().enumerate();
    rows.fold(0, |product, (bit, row)| product | ((row & byte).count_ones() as u8 & 1) << bit)
}
