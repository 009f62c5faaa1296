using SpectralKD.Interactive.Magic;

namespace SpectralKD.Interactive.Tests.Magic;

public sealed class MagicCompletionTests
{
    private readonly FakeHost _host = new();

    [Theory]
    [InlineData("#!spectral-mo", "#!spectral-model")]
    [InlineData("#!spectral-model deit_ti", "deit_tiny_patch16_224")]
    [InlineData("#!spectral-model deit_tiny_patch16_224 --we", "--weights")]
    [InlineData("#!spectral-model deit_tiny_patch16_224 --weights see", "seeded")]
    [InlineData("#!spectral-analyze --domain ", "channel")]
    [InlineData("#!spectral-analyze --images ", "photos")]
    [InlineData("#!spectral-help anal", "analyze")]
    [InlineData("#!spectral-methods dk", "dkd")]
    [InlineData("#!spectral-distill --losses di", "dist")]
    [InlineData("#!spectral-distill --losses dist,dk", "dist,dkd")]
    [InlineData("#!spectral-distill --losses dist,dkd:al", "dist,dkd:alpha=")]
    public void What_fits_at_the_cursor_is_proposed(string line, string proposal)
    {
        _host["photos"] = Textures.Create(1, 32);
        var (start, end, proposals) = MagicCompletion.Complete(line, line.Length, _host);
        Assert.Contains(proposal, proposals.Select(p => p.Text));
        Assert.Equal(line.Length, end);
        Assert.Equal(line.LastIndexOf(' ') + 1, start);
    }

    [Fact]
    public void A_parameter_that_is_there_already_is_not_proposed_again()
    {
        const string line = "#!spectral-analyze --model model --";
        var proposals = MagicCompletion.Complete(line, line.Length, _host).Proposals.Select(p => p.Text).ToList();
        Assert.DoesNotContain("--model", proposals);
        Assert.Contains("--images", proposals);
    }

    [Fact]
    public void Variables_of_another_type_are_not_proposed()
    {
        _host["text"] = "no images";
        const string line = "#!spectral-analyze --images ";
        Assert.Empty(MagicCompletion.Complete(line, line.Length, _host).Proposals);
    }
}
