//! Why policy said no.

use std::sync::Arc;

/// A refusal. The agent reads the message; a guest gets an error code made from the kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// The region is read-only.
    #[error("region {region} is read-only")]
    ReadOnly {
        /// The region's name.
        region: Arc<str>,
    },
    /// The grant of this call does not include the region, or not for this.
    #[error("this call has no right to do that in region {region}")]
    NotGranted {
        /// The region's name.
        region: Arc<str>,
    },
    /// More bytes than the region may hold.
    #[error(
        "region {region} is full: {used} of {quota} bytes are used and {asked} more were asked for"
    )]
    QuotaExceeded {
        /// The region's name.
        region: Arc<str>,
        /// Bytes it may hold.
        quota: u64,
        /// Bytes it held.
        used: u64,
        /// Bytes it would have grown by.
        asked: u64,
    },
    /// More files and directories than the region may hold.
    #[error("region {region} holds {quota} files and directories already, the most it may")]
    TooManyEntries {
        /// The region's name.
        region: Arc<str>,
        /// Entries it may hold.
        quota: u64,
    },
    /// A rename or link from one region into another.
    #[error("{from} and {to} are different regions; copy instead")]
    CrossRegion {
        /// The region of the old name.
        from: Arc<str>,
        /// The region of the new name.
        to: Arc<str>,
    },
    /// A symbolic link whose target is absolute: on the host it would point at the host's files.
    #[error("a symbolic link may not have an absolute target")]
    AbsoluteLink,
    /// The call has written as much into the journal as one call may.
    #[error("this call has filled its share of the journal ({limit} bytes)")]
    JournalFull {
        /// Bytes one call may write.
        limit: u64,
    },
}
