//! A telephone number as people write it. Only to be looked at: whether a number may be called is
//! never judged by this, and what is no number here is shown as its digits.

use rlibphonenumber::{PhoneNumber, PhoneNumberFormat};

/// The number in international format, and its country: `+385 98 100 001 (HR)`.
pub(crate) fn shown(digits: &str) -> String {
    let number = format!("+{digits}").parse::<PhoneNumber>().ok();
    match number.and_then(|number| Some((number.get_region_code()?, number))) {
        Some((country, number)) => {
            format!("{} ({country:?})", number.format_as(PhoneNumberFormat::International))
        }
        None => digits.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_shown_with_its_country() {
        assert_eq!(shown("38598100001"), "+385 98 100 001 (HR)");
        assert_eq!(shown("12125550100"), "+1 212-555-0100 (US)");
        assert_eq!(shown("447900100001"), "+44 7900 100001 (GB)");
    }

    #[test]
    fn what_is_no_number_anywhere_is_shown_as_it_is() {
        assert_eq!(shown("999123"), "999123");
        assert_eq!(shown("112"), "112");
    }
}
