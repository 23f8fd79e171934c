//! Frames of HTTP/2 by hand, for what no client does.
#![allow(dead_code, unreachable_pub)] // Each program uses its own part.

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RESET: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOODBYE: u8 = 7;
pub const WINDOW: u8 = 8;
pub const CONTINUATION: u8 = 9;
pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;

pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The head of a review, in the tables of HPACK that are always there.
pub fn head(path: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    // :method POST, :scheme https, :path, :authority, content-type.
    [&[0x83, 0x87, 0x04][..], &text(path), &[0x01], &text("a"), &[0x0f, 0x10], &text("application/json")]
        .concat()
}

/// A review on a stream of its own.
pub fn review(stream: u32, path: &str, body: &[u8]) -> Vec<u8> {
    let mut all = frame(HEADERS, END_HEADERS, stream, &head(path));
    let mut pieces = body.chunks(16_384).peekable();
    while let Some(piece) = pieces.next() {
        let flags = if pieces.peek().is_none() { END_STREAM } else { 0 };
        all.extend(frame(DATA, flags, stream, piece));
    }
    all
}

/// The kinds and payloads of all frames, but for one that was cut.
pub fn all(mut bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut frames = Vec::new();
    while let [a, b, c, kind, rest @ ..] = bytes {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        let Some(payload) = rest.get(5..5 + length) else { break };
        frames.push((*kind, payload));
        bytes = &rest[5 + length..];
    }
    frames
}
