//! Who may do what where: the only maker of the [`Permit`] that every file operation needs.
//!
//! 1. [`region`] says what a region is: access mode, quota, notice.
//! 2. [`operation`] says what can be asked, and which right each asks of which place.
//! 3. [`grant`] decides: `Grant::decide(Operation) -> Result<Permit, Denied>`.
//! 4. [`quota`] counts bytes and entries, exactly, for many writers at once.
//! 5. [`denied`] says why not, to each reader in its own words.
//!
//! Nothing here does I/O. It does not know what a file, a descriptor or a guest is.

mod denied;
mod grant;
mod operation;
mod quota;
mod region;

pub use denied::Denied;
pub use grant::{Actor, Grant, MAX_MUTATIONS_LISTED, Mutation, Permit, Rights};
pub use operation::{Operation, OperationKind, Place, Right};
pub use quota::{Ledger, Quota, Reservation};
pub use region::{Access, DEFAULT_REGIONS, Region, RegionDefault, SYSTEM_REGION};
