namespace SpectralKD.Tests;

public sealed class PlainTextTests
{
    [Theory]
    [InlineData("a\u001b[31mb", @"a\x1b[31mb")]
    [InlineData("bell\a, tab\t, line\n", @"bell\x07, tab\x09, line\x0a")]
    [InlineData("\u009b2J", @"\x9b2J")] // the one-byte form of ESC [
    [InlineData("photo\u202egnp.exe", @"photo\u202egnp.exe")]
    [InlineData("\u2066x\u2069 \u200f", @"\u2066x\u2069 \u200f")]
    [InlineData("café 猫 👩‍🚀 ok", "café 猫 👩‍🚀 ok")]
    public void What_would_command_a_terminal_is_shown_as_an_escape(string text, string shown) => Assert.Equal(shown, PlainText.Escape(text));

    [Fact]
    public void Half_of_a_surrogate_pair_is_shown_as_an_escape()
    {
        // Not as a theory's data, which are stored in UTF-8.
        Assert.Equal(@"half \ud83d", PlainText.Escape("half " + '\ud83d'));
        Assert.Equal(@"\ude00 half", PlainText.Escape('\ude00' + " half"));
    }

    [Fact]
    public void A_message_is_one_line_without_control_characters()
    {
        var error = new SpectralKDException("the image \u001b]0;owned\a of\r\nclass\tcat");
        Assert.Equal(@"the image \x1b]0;owned\x07 of class cat", error.Message);
    }

    [Fact]
    public void A_message_ends_at_600_characters_and_in_no_half_of_one()
    {
        Assert.Equal(600, new SpectralKDException(new string('x', 600)).Message.Length);
        var cut = new SpectralKDException(new string('x', 601)).Message;
        Assert.Equal((600, true), (cut.Length, cut.EndsWith("x…", StringComparison.Ordinal)));
        var pairs = new SpectralKDException("x" + string.Concat(Enumerable.Repeat("😀", 400))).Message;
        Assert.EndsWith("😀…", pairs, StringComparison.Ordinal);
        var others = new SpectralKDException(string.Concat(Enumerable.Repeat("😀", 400))).Message;
        Assert.EndsWith("😀…", others, StringComparison.Ordinal);
    }
}
