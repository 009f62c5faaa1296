using SpectralKD.Interactive.Magic;

namespace SpectralKD.Interactive.Tests.Magic;

public sealed class MagicLineTests
{
    private readonly FakeHost _host = new();

    [Theory]
    [InlineData("0..2000000000")]
    [InlineData("-2147483648..2147483647")]
    public void A_range_of_blocks_beyond_any_model_is_refused(string layers)
        => Assert.Contains("is no list of blocks", Assert.Throws<SpectralKDException>(() => LayerList.Parse(layers, 12)).Message, StringComparison.Ordinal);

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
    [InlineData("#!spectral-analyze --help")]
    [InlineData("#!spectral-analyze -h")]
    [InlineData("#!spectral-help --command=analyze")]
    public async Task Help_is_asked_for_as_in_a_shell_too(string line)
    {
        await MagicLine.ExecuteAsync(line, _host);
        Assert.Contains("#!spectral-analyze", Assert.IsType<CommandHelpView>(Assert.Single(_host.Displayed)).ToPlainText(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("#!spectral-hepl", "did you mean #!spectral-help?")]
    [InlineData("#!spectral-help --comand x", "did you mean --command?")]
    [InlineData("#!spectral-help analyse one two", "no place for \"one\"")]
    [InlineData("#!spectral-help --command", "needs a value")]
    [InlineData("#!spectral-help --command=", "needs a value")]
    [InlineData("#!spectral-help \"open", "a quote is not closed")]
    [InlineData("#!spectral-help @nothing", "there is no variable nothing")]
    [InlineData("#!spectral-images textures --as class", "--as takes a C# name; found \"class\"")]
    [InlineData("#!spectral-images textures --as \"a b\"", "--as takes a C# name; found \"a b\"")]
    [InlineData("#!spectral-images textures --count many", "--count takes a whole number; found \"many\"")]
    [InlineData("#!spectral-nope", "(#!spectral-help lists them)")]
    [InlineData("#!spectral-help analize", "there is no magic command analize; did you mean #!spectral-analyze? (#!spectral-help lists them)")]
    [InlineData("#!spectral-help nonsense", "there is no magic command nonsense (#!spectral-help lists them)")]
    [InlineData("#!spectral-images --count 3 --count 4", "#!spectral-images takes --count once")]
    [InlineData("#!spectral-images textures --as @fsharp:name", "none named fsharp")]
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
    public async Task The_value_without_a_name_may_stand_behind_the_options()
    {
        await MagicLine.ExecuteAsync("#!spectral-images --count=3 textures --as \"few\"", _host);
        Assert.Equal(3, Assert.IsAssignableFrom<Data.IImageSource>(_host["few"]).Count);
    }

    [Fact]
    public async Task A_path_in_quotes_may_hold_spaces_where_several_are_taken()
    {
        var error = await Assert.ThrowsAsync<SpectralKDException>(() => MagicLine.ExecuteAsync("#!spectral-runs \"no such/run, first\" other", _host));
        Assert.Contains("no such/run, first", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_number_may_be_given_by_the_bare_name_of_its_variable()
    {
        _host["many"] = 5;
        await MagicLine.ExecuteAsync("#!spectral-images textures --count many", _host);
        Assert.Equal(5, Assert.IsAssignableFrom<Data.IImageSource>(_host["images"]).Count);
    }

    [Fact]
    public void No_distillation_at_all_is_one_of_its_methods()
        => Assert.Contains("none", MagicCommandTable.Find("#!spectral-distill").Parameters.Single(p => p.Name == "--method").Choices);

    [Fact]
    public void Words_are_split_at_spaces_and_held_together_by_double_quotes() => Assert.Equal(
        [new("#!m", false), new("two words", true), new("--to", false), new("", true), new("'x", false), new("y'", false)],
        MagicLine.Words("#!m \"two words\"  --to \"\" 'x y'"));
}
