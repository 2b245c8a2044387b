//! What errors are called: in the words of GNU's C library, which people and scripts know.
//!
//! WASI's library has words of its own (`Filename too long`, `Symbolic link loop`), and of every
//! stream that fails it knows only that it did. Programs of others print what it says, so it is
//! told here.

use crate::files::stream_failure;

/// WASI's number of what a failed stream is called.
const IO: i32 = 29;

/// What the error of a number is called. Why a stream failed is asked of the host.
fn name(code: i32) -> &'static str {
    let code = if code == IO { stream_failure().unwrap_or(IO) } else { code };
    usize::try_from(code).ok().and_then(|code| NAMES.get(code)).copied().unwrap_or("Unknown error")
}

/// By WASI's numbers, from 0.
const NAMES: [&str; 77] = [
    "Success",
    "Argument list too long",
    "Permission denied",
    "Address already in use",
    "Cannot assign requested address",
    "Address family not supported by protocol",
    "Resource temporarily unavailable",
    "Operation already in progress",
    "Bad file descriptor",
    "Bad message",
    "Device or resource busy",
    "Operation canceled",
    "No child processes",
    "Software caused connection abort",
    "Connection refused",
    "Connection reset by peer",
    "Resource deadlock avoided",
    "Destination address required",
    "Numerical argument out of domain",
    "Disk quota exceeded",
    "File exists",
    "Bad address",
    "File too large",
    "No route to host",
    "Identifier removed",
    "Invalid or incomplete multibyte or wide character",
    "Operation now in progress",
    "Interrupted system call",
    "Invalid argument",
    "Input/output error",
    "Transport endpoint is already connected",
    "Is a directory",
    "Too many levels of symbolic links",
    "Too many open files",
    "Too many links",
    "Message too long",
    "Multihop attempted",
    "File name too long",
    "Network is down",
    "Network dropped connection on reset",
    "Network is unreachable",
    "Too many open files in system",
    "No buffer space available",
    "No such device",
    "No such file or directory",
    "Exec format error",
    "No locks available",
    "Link has been severed",
    "Cannot allocate memory",
    "No message of desired type",
    "Protocol not available",
    "No space left on device",
    "Function not implemented",
    "Transport endpoint is not connected",
    "Not a directory",
    "Directory not empty",
    "State not recoverable",
    "Socket operation on non-socket",
    "Operation not supported",
    "Inappropriate ioctl for device",
    "No such device or address",
    "Value too large for defined data type",
    "Owner died",
    "Operation not permitted",
    "Broken pipe",
    "Protocol error",
    "Protocol not supported",
    "Protocol wrong type for socket",
    "Numerical result out of range",
    "Read-only file system",
    "Illegal seek",
    "No such process",
    "Stale file handle",
    "Connection timed out",
    "Text file busy",
    "Invalid cross-device link",
    "Operation not permitted",
];

/// What the standard library asks for the words of an error.
///
/// # Safety
/// As the C library has it: `buffer` is `size` bytes that nobody else uses.
#[allow(unsafe_code, reason = "the standard library looks it up by this name")]
#[unsafe(no_mangle)]
unsafe extern "C" fn strerror_r(code: i32, buffer: *mut u8, size: usize) -> i32 {
    if buffer.is_null() || size == 0 {
        return NAMES.len() as i32;
    }
    // SAFETY: the caller gives `size` bytes at `buffer`, which is not null, for this call alone.
    let buffer = unsafe { std::slice::from_raw_parts_mut(buffer, size) };
    let name = name(code).as_bytes();
    let length = name.len().min(size - 1);
    buffer[..length].copy_from_slice(&name[..length]);
    buffer[length] = 0;
    0
}
