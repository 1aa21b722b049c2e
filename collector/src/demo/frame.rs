//! What the demo's load and server say to each other, and the work that a request means.
//!
//! ```text
//! request   length u32 | kind u32 | payload, `length` bytes
//! reply     digest u64                                        all little-endian
//! ```
//!
//! It must never grow into a protocol: it is there to be traced.

/// Bytes before a request's payload.
pub(super) const HEADER: usize = 8;
/// Bytes of a reply.
pub(super) const REPLY: usize = 8;
/// The longest payload; whoever announces a longer one is hung up on.
pub(super) const PAYLOAD_MAX: usize = 32 << 10;

/// Done in the loop: some microseconds.
pub(super) const LIGHT: u32 = 0;
/// Done by the worker: some milliseconds. The models have no worker, and do it in place.
pub(super) const HEAVY: u32 = 1;
/// The payload's hash, once: next to nothing, so that what a request costs is its calls.
pub(super) const TINY: u32 = 2;

/// Steps of [`digest`] that a light request takes: about one a nanosecond.
const LIGHT_STEPS: usize = 16 << 10;
/// Steps that a heavy one takes.
const HEAVY_STEPS: usize = 2 << 20;

/// What stands at the beginning of the bytes received so far.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed<'a> {
    /// Not a whole request yet.
    Partial,
    /// No request of ours: hang up.
    Bad,
    /// A request.
    Whole {
        /// [`LIGHT`], [`HEAVY`] or [`TINY`].
        kind: u32,
        payload: &'a [u8],
    },
}

/// Looks for a request at the beginning of `bytes`.
pub(super) fn parse(bytes: &[u8]) -> Parsed<'_> {
    let Some((length, rest)) = bytes.split_first_chunk() else {
        return Parsed::Partial;
    };
    let Some((kind, rest)) = rest.split_first_chunk() else {
        return Parsed::Partial;
    };
    let (length, kind) = (
        u32::from_le_bytes(*length) as usize,
        u32::from_le_bytes(*kind),
    );
    if length > PAYLOAD_MAX || kind > TINY {
        return Parsed::Bad;
    }
    match rest.get(..length) {
        Some(payload) => Parsed::Whole { kind, payload },
        None => Parsed::Partial,
    }
}

/// A request as bytes.
pub(super) fn request(kind: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    [&length.to_le_bytes()[..], &kind.to_le_bytes()[..], payload].concat()
}

/// The answer to a request: the payload's FNV-1a hash, over as many rounds as make the work.
pub(super) fn digest(kind: u32, payload: &[u8]) -> u64 {
    let steps = match kind {
        HEAVY => HEAVY_STEPS,
        TINY => 0,
        _ => LIGHT_STEPS,
    };
    let rounds = (steps / payload.len().max(1)).max(1);
    (0..rounds).fold(FNV_OFFSET, |hash, _| fnv_1a(hash, payload))
}

/// Where FNV-1a starts.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv_1a(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_cut_anywhere_is_partial_and_a_whole_one_is_read_back() {
        let bytes = request(HEAVY, b"payload");
        for cut in 0..bytes.len() {
            assert_eq!(parse(&bytes[..cut]), Parsed::Partial, "cut at {cut}");
        }
        assert_eq!(
            parse(&bytes),
            Parsed::Whole {
                kind: HEAVY,
                payload: b"payload"
            }
        );
    }

    #[test]
    fn a_request_that_announces_too_much_is_bad_before_it_is_whole() {
        let header = [
            &(PAYLOAD_MAX as u32 + 1).to_le_bytes()[..],
            &LIGHT.to_le_bytes(),
        ]
        .concat();
        assert_eq!(parse(&header), Parsed::Bad);
    }

    #[test]
    fn the_hash_is_fnv_1a_by_its_published_vectors() {
        assert_eq!(fnv_1a(FNV_OFFSET, b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv_1a(FNV_OFFSET, b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv_1a(FNV_OFFSET, b"foobar"), 0x8594_4171_f739_67e8);
    }
}
