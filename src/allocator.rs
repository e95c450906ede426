//! The allocator of the static binary.
//!
//! musl's own locks all threads out for each allocation, and maps what is larger than
//! 128 KiB anew each time: the gateway costs two to four times as much with it. mimalloc
//! does neither, but holds on to large pieces: with 200 senders of 3.9 MiB it took 450 MiB
//! where musl took 170. So large ones are musl's, which gives them back at once, as glibc is
//! told to (`cli::process`).

use std::alloc::GlobalAlloc;
use std::alloc::Layout;
use std::alloc::System;

use mimalloc::MiMalloc;

/// From which size on an allocation is musl's.
const LARGE: usize = 1 << 20;

/// mimalloc, and musl's for what is large.
pub(crate) struct Allocator;

#[expect(unsafe_code, reason = "an allocator is made of nothing else")]
// SAFETY: each piece is given back to the allocator that it came from, which the size in its
// layout tells; both keep the contract.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { if layout.size() < LARGE { MiMalloc.alloc(layout) } else { System.alloc(layout) } }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe {
            if layout.size() < LARGE {
                MiMalloc.alloc_zeroed(layout)
            } else {
                System.alloc_zeroed(layout)
            }
        }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe {
            if layout.size() < LARGE {
                MiMalloc.dealloc(at, layout);
            } else {
                System.dealloc(at, layout);
            }
        }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller promises; a new size is valid with the old alignment, and
        // what is copied is in both pieces.
        unsafe {
            match (layout.size() < LARGE, size < LARGE) {
                (true, true) => MiMalloc.realloc(at, layout, size),
                (false, false) => System.realloc(at, layout, size),
                _ => {
                    let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
                    if !moved.is_null() {
                        moved.copy_from_nonoverlapping(at, layout.size().min(size));
                        self.dealloc(at, layout);
                    }
                    moved
                }
            }
        }
    }
}
