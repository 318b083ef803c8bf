//! Legs of different codecs hear each other.

use voip::g711::Codec;

use crate::phone::{Heard, Phone, assert_one_stream, bridged, converted, plane, speech};

#[test]
fn each_hears_the_other_in_its_own_codec() {
    let plane = plane();
    for (of_a, of_b) in [
        (Codec::Pcmu, Codec::Pcmu),
        (Codec::Pcma, Codec::Pcma),
        (Codec::Pcmu, Codec::Pcma),
        (Codec::Pcma, Codec::Pcmu),
    ] {
        let (mut a, mut b) = (Phone::new(of_a), Phone::new(of_b));
        let _call = bridged(&plane, &mut a, &mut b);
        b.heard();
        a.heard();
        for number in 0..10 {
            a.say(&speech(number));
            b.say(&speech(number + 100));
        }
        for (hears, says, begin) in [(&b, &a, 0), (&a, &b, 100)] {
            let heard: Vec<Heard> = (0..10).map(|_| hears.hear().unwrap()).collect();
            assert_one_stream(&heard);
            for (number, heard) in (begin..).zip(&heard) {
                assert_eq!(heard.header.payload_type, hears.codec.payload_type());
                assert_eq!(heard.payload, converted(&speech(number), says.codec, hears.codec));
            }
        }
    }
}
