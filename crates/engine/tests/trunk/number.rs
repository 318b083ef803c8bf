//! How numbers are written for a trunk.

use engine::sip::{Form, NumberFormat};

#[track_caller]
fn check(form: Form, strip: &str, prepend: &str, digits: &str, expect: &str) {
    let format = NumberFormat {
        form,
        strip: strip.to_owned(),
        prepend: prepend.to_owned(),
        parameters: Vec::new(),
    };
    assert_eq!(format.write(digits), expect);
}

#[test]
fn a_number_is_written_as_the_trunk_wants_it() {
    check(Form::Digits, "", "", "385981178", "385981178");
    check(Form::Plus, "", "", "385981178", "+385981178");
    check(Form::Zeros, "", "", "385981178", "00385981178");
    check(Form::Digits, "", "1590#", "385981178", "1590#385981178");
    check(Form::Plus, "+", "011", "385981178", "011385981178");
}

#[test]
fn what_does_not_begin_as_is_stripped_stays_as_it_is() {
    check(Form::Zeros, "00385", "0", "385981178", "0981178");
    check(Form::Zeros, "00385", "0", "442079460000", "00442079460000");
    check(Form::Digits, "00", "1", "385981178", "385981178");
}

#[test]
fn a_uri_escapes_what_may_not_stand_in_it() {
    let mut format = NumberFormat { prepend: "9#".into(), ..NumberFormat::default() };
    format.parameters = vec!["user=phone".into(), "x".into()];
    assert_eq!(format.uri("4420", "h:5070"), "sip:9%23+4420@h:5070;user=phone;x");
}
