using SpectralKD.Interactive.Magic;
using SpectralKD.Interactive.Views;

namespace SpectralKD.Interactive.Tests.Magic;

public sealed class MagicLineTests
{
    private readonly FakeHost _host = new();

    [Fact]
    public async Task Help_lists_every_command_of_the_table()
    {
        await MagicLine.ExecuteAsync("#!spectral-help", _host);
        var text = Assert.IsType<CommandListView>(Assert.Single(_host.Displayed)).ToPlainText();
        Assert.All(MagicCommandTable.All, c => Assert.Contains(c.Name, text));
    }

    [Fact]
    public async Task Every_command_has_a_help_page_that_names_its_parameters_and_an_example_that_parses()
    {
        foreach (var command in MagicCommandTable.All)
        {
            await MagicLine.ExecuteAsync($"#!spectral-help {command.Name}", _host);
            var text = ((CommandHelpView)_host.Displayed[^1]).ToPlainText();
            Assert.All(command.Parameters, p => Assert.Contains(p.Name, text));
            Assert.All(command.Parameters, p => Assert.False(string.IsNullOrWhiteSpace(p.Description)));
            Assert.StartsWith(command.Name, command.Example);
        }
    }

    [Theory]
    [InlineData("#!spectral-hepl", "did you mean #!spectral-help?")]
    [InlineData("#!spectral-help --comand x", "did you mean --command?")]
    [InlineData("#!spectral-help analyse one two", "no place for \"one\"")]
    [InlineData("#!spectral-help --command", "needs a value")]
    [InlineData("#!spectral-help \"open", "a quote is not closed")]
    [InlineData("#!spectral-help @nothing", "there is no variable nothing")]
    public async Task A_wrong_line_says_in_one_line_what_is_wrong(string line, string said)
    {
        var error = await Assert.ThrowsAsync<SpectralKDException>(() => MagicLine.ExecuteAsync(line, _host));
        Assert.Contains(said, error.Message);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Empty(_host.Displayed);
    }

    [Theory]
    [InlineData("#!spectral-help help")]
    [InlineData("#!spectral-help --command help")]
    [InlineData("#!spectral-help   --command   \"help\"  ")]
    [InlineData("#!spectral-help @chosen")]
    [InlineData("#!spectral-help --command @csharp:chosen")]
    public async Task A_value_may_be_implicit_named_quoted_or_a_variable(string line)
    {
        _host["chosen"] = "help";
        await MagicLine.ExecuteAsync(line, _host);
        Assert.Equal("#!spectral-help", Assert.IsType<CommandHelpView>(Assert.Single(_host.Displayed)).Command.Name);
    }

    [Fact]
    public void Words_are_split_at_spaces_and_held_together_by_double_quotes() => Assert.Equal(
        [new("#!m", false), new("two words", true), new("--to", false), new("", true), new("'x", false), new("y'", false)],
        MagicLine.Words("#!m \"two words\"  --to \"\" 'x y'"));
}
