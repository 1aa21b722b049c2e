//! Writes Protocol Buffers' wire format: just what a trace for Perfetto needs, and nothing of what it means.
//!
//! The format: <https://protobuf.dev/programming-guides/encoding/>.

const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const LENGTH: u64 = 2;

/// A message being written.
#[derive(Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn uint(&mut self, field: u32, value: u64) {
        self.tag(field, VARINT);
        self.varint(value);
    }

    /// Of type `int64`: below zero it takes ten bytes.
    pub(super) fn int(&mut self, field: u32, value: i64) {
        self.uint(field, value.cast_unsigned());
    }

    pub(super) fn fixed64(&mut self, field: u32, value: u64) {
        self.tag(field, FIXED_64);
        self.0.extend(value.to_le_bytes());
    }

    pub(super) fn double(&mut self, field: u32, value: f64) {
        self.fixed64(field, value.to_bits());
    }

    pub(super) fn text(&mut self, field: u32, value: &str) {
        self.tag(field, LENGTH);
        self.varint(value.len() as u64);
        self.0.extend(value.as_bytes());
    }

    /// A message that is written already.
    pub(super) fn bytes_of(&mut self, field: u32, message: &Self) {
        self.tag(field, LENGTH);
        self.varint(message.0.len() as u64);
        self.0.extend(&message.0);
    }

    /// A message in this one. Its length, which stands before it, is known after it.
    pub(super) fn message(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        self.tag(field, LENGTH);
        let begin = self.0.len();
        write(self);
        let end = self.0.len();
        self.varint((end - begin) as u64);
        let prefix = self.0.len() - end;
        if let Some(written) = self.0.get_mut(begin..) {
            written.rotate_right(prefix);
        }
    }

    fn tag(&mut self, field: u32, kind: u64) {
        self.varint(u64::from(field) << 3 | kind);
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the format's own description, and what they leave out.
    #[test]
    fn bytes_are_those_of_the_format() {
        type Write = fn(&mut Message);
        let cases: [(Write, &[u8]); 6] = [
            (|m| m.uint(1, 150), &[0x08, 0x96, 0x01]),
            (
                |m| m.text(2, "testing"),
                &[0x12, 7, b't', b'e', b's', b't', b'i', b'n', b'g'],
            ),
            (
                |m| m.message(3, |m| m.uint(1, 150)),
                &[0x1a, 3, 0x08, 0x96, 0x01],
            ),
            (
                |m| m.int(1, -2),
                &[8, 0xfe, 255, 255, 255, 255, 255, 255, 255, 255, 1],
            ),
            (
                |m| m.fixed64(47, 258),
                &[0xf9, 0x02, 2, 1, 0, 0, 0, 0, 0, 0],
            ),
            (|m| m.double(1, 1.0), &[9, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]),
        ];
        for (write, expected) in cases {
            let mut message = Message::default();
            write(&mut message);
            assert_eq!(message.bytes(), expected);
        }
    }

    #[test]
    fn a_long_message_has_a_long_length_before_it() {
        let mut message = Message::default();
        message.message(1, |message| message.text(2, &"x".repeat(300)));
        let expected = [0x0a, 0xaf, 0x02, 0x12, 0xac, 0x02, b'x'];
        assert_eq!(message.bytes().get(..7), Some(&expected[..]));
        assert_eq!(message.bytes().len(), 306);
    }
}
