//! A page's glyphs, put together to lines of text as a reader sees them.

use hayro::hayro_interpret::font::{Glyph, GlyphRun};
use hayro::hayro_interpret::hayro_cmap::BfString;
use hayro::hayro_interpret::util::TransformExt as _;
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps,
    InterpreterCache, InterpreterSettings, SoftMask, interpret_page,
};
use hayro::hayro_syntax::page::Page;
use hayro::kurbo::{Affine, BezPath, Point, Rect, Vec2};

/// Glyphs of one page. A page of a book has some thousands.
const MAX_GLYPHS: usize = 200_000;

/// The text of a page, a line for each line on it.
pub(crate) fn text_of(page: &Page<'_>) -> String {
    let (width, height) = page.render_dimensions();
    let bounds = Rect::new(0.0, 0.0, width.into(), height.into());
    let cache = InterpreterCache::new();
    let transform = page.initial_transform(true).to_kurbo();
    let settings = InterpreterSettings::default();
    let mut context = Context::new(transform, bounds, &cache, page.xref(), settings);
    let mut collector = Collector::default();
    interpret_page(page, &mut context, &mut collector);
    lines(collector.glyphs)
}

/// One glyph on the page, in points from its top left corner.
#[derive(Debug, Clone, PartialEq)]
struct Placed {
    text: String,
    start: Point,
    /// Where the next glyph would begin.
    end: f64,
    size: f64,
}

#[derive(Default)]
struct Collector {
    glyphs: Vec<Placed>,
}

impl Collector {
    fn add(&mut self, glyph: &Glyph<'_>, placement: Affine) {
        let text = match glyph.as_unicode() {
            Some(BfString::Char(char)) => char.to_string(),
            Some(BfString::String(text)) => text,
            None => return,
        };
        let width = match glyph {
            Glyph::Outline(glyph) => glyph.advance_width(),
            Glyph::Type3(glyph) => glyph.advance_width(),
        };
        // Glyphs are placed in units of a thousandth of their size.
        let linear = |vector: Vec2| {
            let [a, b, c, d, _, _] = placement.as_coeffs();
            Vec2::new(a * vector.x + c * vector.y, b * vector.x + d * vector.y)
        };
        let size = linear(Vec2::new(0.0, 1000.0)).hypot();
        let advance = linear(Vec2::new(width.unwrap_or(500.0).into(), 0.0)).hypot();
        let start = placement * Point::ORIGIN;
        if size > 0.0 && start.x.is_finite() && start.y.is_finite() {
            self.glyphs.push(Placed { text, start, end: start.x + advance, size });
        }
    }
}

impl<'a> Device<'a> for Collector {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        for glyph in run.glyphs() {
            if self.glyphs.len() >= MAX_GLYPHS {
                return;
            }
            self.add(glyph, props.transform * glyph.transform());
        }
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}

/// Puts glyphs of about one height into a line, from left to right, with a blank where there is
/// a gap and an empty line where there is a larger one.
fn lines(mut glyphs: Vec<Placed>) -> String {
    glyphs.sort_by(|one, other| one.start.y.total_cmp(&other.start.y));
    let mut lines: Vec<Vec<Placed>> = Vec::new();
    for glyph in glyphs {
        match lines.last_mut() {
            Some(line) if glyph.start.y - line[0].start.y < 0.4 * glyph.size.min(line[0].size) => {
                line.push(glyph);
            }
            _ => lines.push(vec![glyph]),
        }
    }
    let mut text = String::new();
    let mut above: Option<f64> = None;
    for mut line in lines {
        line.sort_by(|one, other| one.start.x.total_cmp(&other.start.x));
        let (y, size) = (line[0].start.y, line[0].size);
        if let Some(above) = above {
            text.push('\n');
            if y - above > 1.8 * size {
                text.push('\n');
            }
        }
        above = Some(y);
        push_line(&line, &mut text);
    }
    text
}

fn push_line(line: &[Placed], text: &mut String) {
    let begin = text.len();
    let mut end = None;
    for glyph in line {
        let gap = end.map_or(0.0, |end: f64| glyph.start.x - end);
        let apart = gap > 0.2 * glyph.size && !text.ends_with(' ') && !glyph.text.starts_with(' ');
        if apart {
            // A wide gap is a column of a table.
            text.push_str(if gap > 1.5 * glyph.size { "   " } else { " " });
        }
        text.push_str(&glyph.text);
        end = Some(glyph.end);
    }
    let kept = text[begin..].trim_end().len();
    text.truncate(begin + kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(text: &str, x: f64, y: f64) -> Placed {
        Placed { text: text.into(), start: Point::new(x, y), end: x + 5.0, size: 10.0 }
    }

    #[test]
    fn glyphs_become_lines_and_gaps_become_blanks() {
        let glyphs = vec![
            placed("c", 0.0, 112.0),
            placed("b", 5.0, 100.5),
            placed("a", 0.0, 100.0),
            placed("d", 8.0, 112.0),
            placed("e", 40.0, 112.0),
            placed("f", 0.0, 150.0),
        ];
        assert_eq!(lines(glyphs), "ab\nc d   e\n\nf");
    }
}
