//! What a pipeline hands to its exporters.

use std::sync::Arc;

use crate::gateway::compression::Coding;
use crate::gateway::compression::Packed;
use crate::scrub::Report;
use crate::scrub::Scrubbed;

/// A scrubbed request and what is known of it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Delivery {
    scrubbed: Scrubbed,
    report: Arc<Report>,
    /// The same request, compressed, as it came in. Only where nothing was edited.
    packed: Option<Packed>,
}

impl Delivery {
    /// A delivery of `scrubbed`. `packed` is the compressed request that it was
    /// before; it is forgotten where the scrubber changed anything.
    pub fn new(scrubbed: Scrubbed, report: Arc<Report>, packed: Option<Packed>) -> Self {
        let packed = packed.filter(|_| !scrubbed.edited());
        Self { scrubbed, report, packed }
    }

    /// The request.
    pub fn scrubbed(&self) -> &Scrubbed {
        &self.scrubbed
    }

    /// What the scrubber did. The paths of a joined request are those of the
    /// requests that it was joined from.
    pub fn report(&self) -> &Arc<Report> {
        &self.report
    }

    /// The compressed request, where it came in with the coding `coding` and may
    /// leave as it came.
    pub fn packed_as(&self, coding: Coding) -> Option<&Packed> {
        self.packed.as_ref().filter(|packed| packed.coding == coding)
    }
}
