//! Tones of the network, made as they are sent.
/// Whose tones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Plan {
    /// 425 Hz, of most of Europe and much of the world.
    #[default]
    Europe,
    /// North America.
    America,
    /// The United Kingdom and Ireland.
    Britain,
}
impl Plan {
    /// The plan of a country, by its ISO 3166 code in either case.
    pub fn of(country: &str) -> Self {
        let _ = country;
        todo!()
    }
}
/// A tone, going on from where it was.
#[derive(Clone, Debug)]
pub struct Tone {}
impl Tone {
    /// It rings at the other end. Endless.
    pub fn ringback(plan: Plan) -> Self {
        let _ = plan;
        todo!()
    }
    /// The other end is busy. Endless.
    pub fn busy(plan: Plan) -> Self {
        let _ = plan;
        todo!()
    }
    /// The end of the call is near: once, 200 ms.
    pub fn beep() -> Self {
        todo!()
    }
    /// The next samples of it; silence once it is over.
    pub fn fill(&mut self, frame: &mut [i16]) {
        let _ = frame;
        todo!()
    }
    /// Adds the next samples of it to speech.
    pub fn mix(&mut self, frame: &mut [i16]) {
        let _ = frame;
        todo!()
    }
    /// Whether it has been played to its end.
    pub fn is_over(&self) -> bool {
        todo!()
    }
}
