//! A page as a picture.

use std::io::Cursor;

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::page::Page;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render};
use image::{ImageFormat, RgbImage};
use toolcell_sdk::Image;

/// Pixels of a picture's longer side: what models look at without scaling down.
const SIDE: f32 = 1_568.0;

/// Most that a page is enlarged. A stamp-sized page says no more when it is blown up.
const MAX_SCALE: f32 = 4.0;

/// Renders a page; `None` if it has no size that can be drawn.
pub(crate) fn picture_of(page: &Page<'_>) -> Option<Image> {
    let (width, height) = page.render_dimensions();
    let longer = width.max(height);
    if !(longer.is_finite() && longer >= 1.0) {
        return None;
    }
    let scale = (SIDE / longer).min(MAX_SCALE);
    let settings = PixmapSettings { x_scale: scale, y_scale: scale, bg_color: WHITE };
    let pixmap = render(
        page,
        &RenderCache::new(),
        &InterpreterSettings::default(),
        &RenderSettings::default(),
        &settings,
    );
    let (width, height) = (pixmap.width().into(), pixmap.height().into());
    // On an opaque ground no pixel is transparent, so its color is as it stands.
    let pixels = pixmap.data_as_u8_slice().chunks_exact(4);
    let rgb = pixels.flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    let mut data = Cursor::new(Vec::new());
    RgbImage::from_raw(width, height, rgb)?.write_to(&mut data, ImageFormat::Png).ok()?;
    Some(Image { media_type: "image/png".to_owned(), data: data.into_inner() })
}
