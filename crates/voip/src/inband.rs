//! Keys heard in the sound itself.
/// Listens for keys in one direction of one leg.
#[derive(Clone, Debug, Default)]
pub struct Detector {}
impl Detector {
    /// The key that has just been recognised, once for each time it is pressed.
    pub fn hear(&mut self, frame: &[i16]) -> Option<char> {
        let _ = frame;
        todo!()
    }
}
