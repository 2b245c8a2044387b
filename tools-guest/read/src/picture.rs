//! Images: decoded to prove they are whole, scaled down when larger than a model looks at.
//!
//! One bad image block makes every later turn of a conversation fail, so nothing leaves here that
//! was not decoded first.

use std::io::Cursor;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use image::{DynamicImage, ImageFormat, ImageReader, Limits};
use serde_json::json;
use toolcell_sdk::files::{self, Target};
use toolcell_sdk::sniff::ImageKind;
use toolcell_sdk::{Failure, FileState, Image, Outcome, Session, text};

/// Pixels on a side that are decoded at all (READ-R13).
const MAX_SIDE: u32 = 8_000;

/// Memory that decoding may take. A few bytes of compressed image can claim gigabytes.
const MAX_DECODE_BYTES: u64 = 128 << 20;

/// Size of an image file that is looked at.
const MAX_FILE_BYTES: u64 = 50 << 20;

/// Long edge beyond which models scale down themselves (READ-R14).
const DISPLAY_SIDE: u32 = 2_576;

/// Base64 characters of one image: what every provider takes.
const MAX_BASE64: usize = 5 * 1000 * 1000;

/// An image that is fit to be shown, with its original and shown size.
pub(crate) struct Shown {
    pub(crate) image: Image,
    original: (u32, u32),
    display: (u32, u32),
}

pub(crate) fn read(
    session: &dyn Session,
    target: &Target,
    kind: ImageKind,
    size: u64,
    whole: Option<Vec<u8>>,
) -> Result<Outcome, Failure> {
    if size > MAX_FILE_BYTES {
        return Err(bad(
            target,
            kind,
            size,
            &format!("larger than {}", text::size(MAX_FILE_BYTES)),
        ));
    }
    let bytes = whole.map_or_else(|| files::load(target), Ok)?;
    let hash = files::hash(&bytes);
    let shown = prepare(bytes, kind).map_err(|reason| bad(target, kind, size, &reason))?;
    session.remember(&target.path, FileState { hash, complete: true });
    let structured = json!({
        "type": "image",
        "file": {
            "filePath": target.path,
            "type": shown.image.media_type,
            "originalSize": size,
            "dimensions": {
                "originalWidth": shown.original.0,
                "originalHeight": shown.original.1,
                "displayWidth": shown.display.0,
                "displayHeight": shown.display.1,
            },
        },
    });
    Ok(Outcome { structured, images: vec![shown.image] })
}

fn bad(target: &Target, kind: ImageKind, size: u64, reason: &str) -> Failure {
    let kind = kind.media_type();
    let size = text::size(size);
    let message = format!("Cannot show image {} ({kind}, {size}): {reason}.", target.given);
    Failure::new("bad_image", message)
}

/// Decodes an image to prove it, and scales it down where it is too large.
pub(crate) fn prepare(bytes: Vec<u8>, kind: ImageKind) -> Result<Shown, String> {
    let format = match kind {
        ImageKind::Png => ImageFormat::Png,
        ImageKind::Jpeg => ImageFormat::Jpeg,
        ImageKind::Gif => ImageFormat::Gif,
        ImageKind::WebP => ImageFormat::WebP,
    };
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODE_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(&bytes), format);
    reader.limits(limits);
    let decoded = reader.decode().map_err(|error| match error {
        image::ImageError::Limits(_) => {
            format!("it has more than {MAX_SIDE} pixels on a side, or needs too much memory")
        }
        _ => "it is damaged or not what it claims to be".to_owned(),
    })?;
    let original = (decoded.width(), decoded.height());
    if original.0 == 0 || original.1 == 0 {
        return Err("it is empty".to_owned());
    }
    let fits = |bytes: &[u8]| bytes.len().div_ceil(3) * 4 <= MAX_BASE64;
    if original.0.max(original.1) <= DISPLAY_SIDE && fits(&bytes) {
        let image = Image { media_type: kind.media_type().to_owned(), data: bytes };
        return Ok(Shown { image, original, display: original });
    }
    let mut side = DISPLAY_SIDE.min(original.0.max(original.1));
    while side >= 64 {
        let scaled = decoded.thumbnail(side, side);
        let (media_type, data) = encode(&scaled, kind)?;
        if fits(&data) {
            let display = (scaled.width(), scaled.height());
            return Ok(Shown { image: Image { media_type, data }, original, display });
        }
        side = side * 3 / 4;
    }
    Err("it cannot be made small enough to show".to_owned())
}

fn encode(image: &DynamicImage, kind: ImageKind) -> Result<(String, Vec<u8>), String> {
    let (format, media_type) = match kind {
        ImageKind::Jpeg => (ImageFormat::Jpeg, "image/jpeg"),
        ImageKind::Png | ImageKind::Gif | ImageKind::WebP => (ImageFormat::Png, "image/png"),
    };
    let mut data = Cursor::new(Vec::new());
    image.write_to(&mut data, format).map_err(|_| "it cannot be scaled down".to_owned())?;
    Ok((media_type.to_owned(), data.into_inner()))
}

/// An image of a notebook's output, if it can be shown.
pub(crate) fn from_base64(media_type: &str, data: &str) -> Option<Image> {
    let kind = match media_type {
        "image/png" => ImageKind::Png,
        "image/jpeg" => ImageKind::Jpeg,
        "image/gif" => ImageKind::Gif,
        "image/webp" => ImageKind::WebP,
        _ => return None,
    };
    let data: String = data.split_whitespace().collect();
    let bytes = BASE64_STANDARD.decode(data).ok()?;
    Some(prepare(bytes, kind).ok()?.image)
}
