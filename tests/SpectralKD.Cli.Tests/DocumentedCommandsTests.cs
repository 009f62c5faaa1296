using System.Text.RegularExpressions;
using SpectralKD.Tests;

namespace SpectralKD.Cli.Tests;

/// <summary>Command lines that pages and notebooks show are parsed by the real parser; nothing is run.</summary>
public sealed partial class DocumentedCommandsTests
{
    private static readonly string[] s_shells = ["", "bash", "sh"];

    public static TheoryData<string, string> Shown => [.. DocumentPage.All.SelectMany(page => Rows(page, ShownBy(page)))];

    public static TheoryData<string, string> Mentioned => [.. DocumentPage.All.SelectMany(page => Rows(page, MentionedBy(page)))];

    [Theory]
    [MemberData(nameof(Shown))]
    public void A_shown_command_can_be_typed_as_it_stands(string page, string command) => Understood(page, command, ErrorsOf(command));

    [Theory]
    [MemberData(nameof(Mentioned))]
    public void A_command_that_a_sentence_mentions_may_leave_out_what_it_needs(string page, string command) =>
        Understood(page, command, ErrorsOf(command).Where(error => !error.StartsWith("Required", StringComparison.Ordinal) && !error.EndsWith("is required.", StringComparison.Ordinal)));

    [Fact]
    public void The_page_of_commands_shows_every_verb() => Assert.Empty(
        CommandLine.Root().Subcommands.Select(verb => verb.Name).Except(ShownBy(DocumentPage.Of("docs/commands.md")).Select(command => command.Split(' ')[0])));

    [Fact]
    public void Recipes_that_pages_name_are_built_in()
    {
        var named = DocumentPage.All.SelectMany(page => ShownBy(page).Concat(MentionedBy(page)))
            .Select(command => command.Split(' ')).Where(words => words is ["distill" or "export", _, ..])
            .Select(words => words[1]).Where(recipe => !recipe.EndsWith(".json", StringComparison.Ordinal) && recipe != "RECIPE").ToHashSet();
        Assert.NotEmpty(named);
        Assert.Subset(RecipeLibrary.Names.ToHashSet(), named);
    }

    [Fact]
    public void Commands_are_found_in_scripts_and_in_sentences()
    {
        var page = new DocumentPage("page.md", """
            Type `spectralkd models deit` or:
            ```bash
            seq 3 | parallel OMP_NUM_THREADS=1 spectralkd analyze --shard {}/3 \
                --out part && spectralkd merge a b --out c   # then look
            dotnet run --project src/SpectralKD.Cli -- device > device.txt
            dotnet add package SpectralKD.Interactive
            ```
            """);
        Assert.Equal(["analyze --shard {}/3 --out part", "merge a b --out c", "device"], ShownBy(page));
        Assert.Equal(["models deit"], MentionedBy(page));
        Assert.NotEmpty(ErrorsOf("models deit --no-such-option"));
    }

    // What stands for something of the reader's own, and what may be typed in its place.
    private static readonly (string Word, string Typed)[] s_placeholders =
    [
        ("--losses NAME", "--losses dist"), ("FIELD=VALUE", "epochs=1"), ("RECIPE", "nano-deit-distilled"), ("NAME", "deit_nano_patch4_32"), ("DIR", "./folder"), ("FOLDER", "./folder"), ("FILE", "./file"), ("DEVICE", "cpu"),
        ("i/n", "1/2"), (@"\{}/3", "1/3"), (@"""\$\w+/\$\w+""", "1/2"), ("--weights checkpoints", "--weights ./checkpoints"),
    ];

    private static IEnumerable<string> ErrorsOf(string command) => CommandLine.Root().Parse(
        s_placeholders.Aggregate(command, (typed, placeholder) => Regex.Replace(typed, $@"(?<!\S){placeholder.Word}(?!\S)", placeholder.Typed))).Errors.Select(error => error.Message);

    private static void Understood(string page, string command, IEnumerable<string> errors) =>
        Assert.True(!errors.Any(), $"{page}: spectralkd {command}: {string.Join(' ', errors)}");

    private static IEnumerable<TheoryDataRow<string, string>> Rows(DocumentPage page, IEnumerable<string> commands) =>
        commands.Select(command => new TheoryDataRow<string, string>(page.Name, command));

    private static IEnumerable<string> ShownBy(DocumentPage page) =>
        CommandsIn(page.CodeBlocks.Where(block => s_shells.Contains(block.Language)).SelectMany(block => Lines(block.Code)));

    private static IEnumerable<string> MentionedBy(DocumentPage page) => CommandsIn(page.InlineCode);

    private static IEnumerable<string> CommandsIn(IEnumerable<string> lines) => lines
        .SelectMany(line => CommandPattern().Matches(line))
        .Select(match => match.Groups[1].Value.Trim())
        .Where(command => command.Length > 0);

    private static IEnumerable<string> Lines(string code) => ContinuationPattern().Replace(code, " ").Split('\n').Select(line => CommentPattern().Replace(line, ""));

    // A command ends where the shell's next one begins, or its output goes elsewhere.
    [GeneratedRegex(@"(?:^|[\s/])(?:spectralkd|dotnet run (?:--\S+ )*--project src/SpectralKD\.Cli --)(?: ([^&|;>]*)|$)")]
    private static partial Regex CommandPattern();

    [GeneratedRegex(@"\s*\\\n\s*")]
    private static partial Regex ContinuationPattern();

    [GeneratedRegex(@"(^|\s)#\s.*$")]
    private static partial Regex CommentPattern();
}
