using System.CommandLine;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using SpectralKD.Tests;

namespace SpectralKD.Cli.Tests;

/// <summary>What people expect of any command line.</summary>
public sealed partial class CommandLineHabitsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spectralkd-habits-").FullName;
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    [Theory]
    [InlineData("anlyze", "spectralkd has no command anlyze; did you mean analyze?; see spectralkd --help")]
    [InlineData("", "spectralkd needs a command: run, analyze, ")]
    [InlineData("analyze", "--model, --images and --out are missing; see spectralkd analyze --help")]
    [InlineData("analyze --modle x", "spectralkd analyze has no option --modle; did you mean --model?; see spectralkd analyze --help")]
    [InlineData("analyze --model deit_nano_patch4_32 --images textures --out y --domain spatail", "--domain takes both, channel or spatial; found \"spatail\"; did you mean spatial?")]
    [InlineData("analyze --model deit_nano_patch4_32 --images textures --out y --count few", "--count takes a whole number; found \"few\"")]
    [InlineData("models --jsno", "spectralkd models has no option --jsno; did you mean --json?; see spectralkd models --help")]
    [InlineData("models deit tiny", "spectralkd models takes no further argument, but finds \"tiny\"")]
    [InlineData("distill", "recipe is missing; see spectralkd distill --help")]
    [InlineData("jupyter lst", "spectralkd jupyter has no command lst; did you mean list?; see spectralkd jupyter --help")]
    [InlineData("completion bsh", "shell takes bash, fish, powershell or zsh; found \"bsh\"; did you mean bash?")]
    [InlineData("analyze --model deit_tny --images textures --out y", "no model is called 'deit_tny'; nearest: deit_tiny_patch16_224")]
    [InlineData("analyze --model deit_nano_patch4_32,cait_nno --images textures --out y", "no model is called 'cait_nno'")]
    [InlineData("analyze --model deit_nano_patch4_32 --weights seedd --images textures --out y", "weights 'seedd'; did you mean seeded? are neither a file nor one of")]
    [InlineData("analyze --model deit_nano_patch4_32 --images texturs --out y", "there is no image source texturs; did you mean textures?")]
    [InlineData("analyze --model deit_nano_patch4_32 --images textures --out y --device cdua", "there is no device \"cdua\"; did you mean ")]
    [InlineData("analyze --model deit_nano_patch4_32 --images textures --out y --layers x", "\"x\" is no list of blocks")]
    [InlineData("analyze --model deit_nano_patch4_32 --images textures --out y --image-size big", "image size 'big' is neither a side")]
    [InlineData("analyze --model deit_nano_patch4_32 --images textures --out y --shard 3/2", "there is no part 3 of 2")]
    [InlineData("analyze --model deit_nano_patch4_32 --images textures --out y --entropy-range 1", "\"1\" is no range of activations")]
    [InlineData("analyze --model deit_nano_patch4_32 --images textures --out y --count 0", "--count must be at least 1, but is 0")]
    [InlineData("report --model deit_nano_patch4_32 --images textures --out y --batch 0", "--batch must be at least 1, but is 0")]
    [InlineData("similarity --teacher cait_nano --student deit_nano_patch4_32 --images textures --out y", "no model is called 'cait_nano'; nearest: cait_nano_patch")]
    [InlineData("predict nano-deit-distilled --by intensty", "there is no predictor intensty; did you mean intensity?")]
    [InlineData("distill nano-deit-distiled", "there is no recipe 'nano-deit-distiled'; did you mean nano-deit-distilled?")]
    [InlineData("distill nano-deit-distilled --losses dsit", "there is no loss \"dsit\"; did you mean dist?")]
    [InlineData("distill nano-deit-distilled --losses dkd:alpa=2", "the loss dkd has no argument \"alpa\"; did you mean alpha?")]
    [InlineData("distill nano-deit-distilled --epochs 0", "the recipe cannot be run: epochs must be at least 1, but is 0")]
    [InlineData("distill nano-deit-distilled --seeds none", "--seeds takes a whole number; found \"none\"")]
    [InlineData("distill nano-deit-distilled --images cifar", "there is no image source cifar; did you mean cifar10?")]
    [InlineData("recipes nano-deit-alon", "there is no recipe \"nano-deit-alon\"; did you mean nano-deit-alone?")]
    [InlineData("recipes --fields loss.alhpa", "a recipe has no field loss.alhpa; did you mean loss.alpha?")]
    [InlineData("methods dsit", "there is no loss \"dsit\"; did you mean dist?")]
    [InlineData("compare textures-smal", "there is no comparison 'textures-smal'; did you mean textures-small?")]
    [InlineData("export paper-deit-tny", "there is no recipe 'paper-deit-tny'; did you mean paper-deit-tiny?")]
    [InlineData("run lesson.ipynb --parameter model", "--parameter model: a name=value pair is needed")]
    [InlineData("cache photos --model deit_tiny_patch16_224 --side 30 --out y", "--model and --side both say how long the shorter side is to be")]
    public async Task A_usage_error_is_one_line_on_stderr_with_exit_2_that_names_what_was_meant(string line, string said)
    {
        Assert.Equal(2, await RunAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Empty(_output.ToString());
        var error = Assert.Single(_error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("spectralkd: " + said, error);
        Assert.Contains("; see spectralkd", error);
    }

    [Fact]
    public void Every_verb_that_prints_results_takes_json_and_quiet()
    {
        var verbs = Leaves(CommandLine.Root(), "").Where(verb => verb.Path is not (" jupyter start" or " completion"));
        Assert.All(verbs, verb => Assert.True(verb.Command.Options.Contains(Results.Json) && verb.Command.Options.Contains(Results.Quiet), verb.Path));
    }

    [Theory]
    [InlineData("models deit_tiny --json", "[0].name", "deit_tiny_patch16_224")]
    [InlineData("methods dist --json", "[0].name", "dist")]
    [InlineData("recipes --json", "[0].name", "cifar10-cait-teacher")]
    [InlineData("recipes nano-deit-alone --json", ".student", "deit_nano_patch8_64")]
    [InlineData("recipes --fields loss.tau --json", "[0].field", "loss.tau")]
    [InlineData("device --json", ".default_device", null)]
    [InlineData("export paper-deit-tiny --gpus 2 --json", ".text", null)]
    public async Task With_json_stdout_is_one_document_and_stderr_is_for_people(string line, string place, string? value)
    {
        Assert.Equal(0, await RunAsync(line.Split(' ')));
        var found = (string?)Regex.Matches(place, @"\[(\d+)\]|\.(\w+)").Aggregate(JsonNode.Parse(_output.ToString()), (node, step) => step.Groups[1].Success ? node![int.Parse(step.Groups[1].Value)] : node![step.Groups[2].Value]);
        Assert.NotNull(found);
        Assert.Equal(value ?? found, found);
    }

    [Fact]
    public async Task Quiet_leaves_progress_and_notes_out_but_not_warnings_and_errors()
    {
        Assert.Equal(0, await RunAsync("analyze", "--model", "deit_nano_patch4_32", "--weights", "seeded", "--images", "textures", "--count", "4", "--out", Folder("out"), "--quiet", "--json"));
        Assert.Empty(_error.ToString());
        var found = JsonNode.Parse(_output.ToString())!;
        Assert.Equal((12, 4, true), (found["blocks"]!.AsArray().Count, (int)found["images"]!, (bool)found["untrained"]!));
        Assert.NotEqual(0, await RunAsync("analyze", "--model", "deit_nano_patch4_32", "--images", Folder("nowhere"), "--out", Folder("other"), "--quiet"));
        Assert.StartsWith("spectralkd: ", _error.ToString());

        using var writer = new StringWriter();
        new QuietWriter(writer).Write("note: a\n\rhalf a line\rwarning: b\nspectralkd: c\n");
        Assert.Equal($"warning: b{Environment.NewLine}spectralkd: c{Environment.NewLine}", writer.ToString());
    }

    [Fact]
    public async Task Predictions_tell_each_step_and_go_by_the_predictor_that_was_asked_for()
    {
        var recipe = Path.Combine(_folder, "recipe.json");
        await File.WriteAllTextAsync(recipe, """
            { "teacher": "cait_nano_patch4_32", "teacherWeights": "seeded:1", "student": "deit_nano_patch4_32", "batch": 4, "device": "cpu", "data": { "train": "textures", "count": 12, "validationCount": 4, "size": 32 } }
            """);
        Assert.Equal(1, await RunAsync("predict", recipe, "--count", "12", "--by", "gradient_affinity_epoch_1"));
        Assert.Equal("spectralkd: gradient_affinity_epoch_1 needs a first epoch of training: add --first-epoch", _error.ToString().Trim());

        Assert.Equal(0, await RunAsync("predict", recipe, "--count", "12", "--first-epoch", "--by", "gradient_affinity_epoch_1", "--json", "--out", Folder("out")));
        Assert.All(
            ["step 1 of 7, spectra of cait_nano_patch4_32", "step 2 of 7, classifiers of the blocks", "step 3 of 7, directions of the blocks", "step 4 of 7, deit_nano_patch4_32 of seed 0", "step 5 of 7, gradients of 12 pairs", "step 6 of 7, first epoch", "step 7 of 7, gradients of 12 pairs after"],
            step => Assert.Contains(step, _error.ToString()));
        Assert.Contains("step 7 of 7, gradients of 12 pairs after the first epoch: 12/12 gradients, ", _error.ToString());
        var pairs = JsonNode.Parse(_output.ToString())!["pairs"]!.AsArray();
        var best = pairs.MaxBy(pair => (double)pair!["gradient_affinity_epoch_1"]!)!["student_block"]!;
        Assert.Equal((int)best, (int)JsonNode.Parse(_output.ToString())!["student_layers"]![0]!);
        Assert.StartsWith("student_block,teacher_block,depth,intensity,rms,kappa,uniformity,high_frequency_ratio,effective_rank,d95,image_d95,rotation,knn,probe,", await File.ReadAllTextAsync(Folder("out/predictors.csv")));
    }

    [Fact]
    public async Task The_authors_logs_and_entropies_become_one_page_with_heatmaps_and_a_slider()
    {
        var folder = SharedData.OrSkip("data");
        Assert.Equal(0, await RunAsync("dynamics", folder, "--out", Folder("out")));
        Assert.Contains("SpectralKD_Last_1_500_epochs: 500 epochs, top-1 ", _output.ToString());
        Assert.Contains("SoftKD: entropies of 12 layers at 11 checkpoints", _output.ToString());
        var page = await File.ReadAllTextAsync(Folder("out/dynamics.html"));
        Assert.All(["Top-1 accuracy by epoch", "Alignment loss by epoch", "Activation entropy over layers and training", "Activation entropy over depth, checkpoint by checkpoint", "\"sliders\""], words => Assert.Contains(words, page));
    }

    [Fact]
    public async Task The_version_is_short()
    {
        Assert.Equal(0, await RunAsync("--version"));
        Assert.Matches(@"^\d+\.\d+\.\d+\s*$", _output.ToString());
    }

    [Fact]
    public async Task Defaults_are_shown_as_they_are_typed()
    {
        foreach (var (path, _) in Leaves(CommandLine.Root(), ""))
        {
            await RunAsync([.. path.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);
        }

        var shown = DefaultPattern().Matches(_output.ToString());
        Assert.NotEmpty(shown);
        Assert.All(shown, match => Assert.DoesNotMatch("^[A-Z][a-z]", match.Groups[1].Value));
    }

    [Theory]
    [InlineData("analyze")]
    [InlineData("distill")]
    public async Task Help_of_images_names_every_source(string verb)
    {
        await RunAsync(verb, "--help");
        Assert.All([.. Data.ImageSources.Names, "folder", ".zip"], name => Assert.Contains(name, _output.ToString()));
    }

    [Fact]
    public async Task Advice_on_the_command_line_is_for_a_shell()
    {
        Assert.Equal(0, await RunAsync("device"));
        Assert.DoesNotContain("#r", _output.ToString());
        Assert.Equal(1, await RunAsync("analyze", "--model", "deit_nano_patch4_32", "--images", "textures", "--count", "2", "--device", "cuda", "--out", Folder("out")));
        Assert.DoesNotContain("#r", _error.ToString());
    }

    [Fact]
    public async Task Export_prints_nothing_on_stdout_where_the_other_program_cannot_run_it()
    {
        Assert.Equal(1, await RunAsync("export", "nano-deit-distilled"));
        Assert.Empty(_output.ToString());
        Assert.Contains("spectralkd: nothing was written, for the recipe cannot run there: timm has no model deit_nano_patch8_64", _error.ToString());
    }

    [Fact]
    public void A_command_is_set_up_alone_and_is_the_same_as_among_all()
    {
        var all = CommandLine.Root().Subcommands;
        Assert.True(all.Count > 15);
        foreach (var command in all.Where(command => command.Name != "completion"))
        {
            var alone = Assert.Single(CommandLine.Root(command.Name, "--help").Subcommands);
            Assert.Equal(command.Name, alone.Name);
            Assert.Equal(command.Options.Select(option => option.Name), alone.Options.Select(option => option.Name));
        }

        Assert.Equal(all.Count, CommandLine.Root("completion", "bash").Subcommands.Count);
        Assert.Equal(all.Count, CommandLine.Root("analyse").Subcommands.Count);
    }

    [Fact]
    public async Task A_run_leaves_nothing_in_the_temporary_folder()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("skipped: no sh on Windows");
        }

        var temporary = Directory.CreateDirectory(Folder("temporary")).FullName;
        Directory.CreateDirectory(Folder("packages"));
        await File.WriteAllTextAsync(Folder("nuget.config"), "<configuration><packageSources><clear/><add key=\"empty\" value=\"packages\"/></packageSources></configuration>");
        await File.WriteAllTextAsync(Folder("test.dib"), "#!sh\necho $0\n\n#!csharp\n#r \"nuget: No.Such.Package, 1.0.0\"\n");
        var (code, output) = await ProgramRun.RunAsync(
            ProgramRun.Dotnet, [ProgramRun.CommandLine, "run", Folder("test.dib"), "--out", Folder("out"), "--allow-errors"], _folder, ("TMPDIR", temporary));
        Assert.True(code == 0, output);
        var executed = await File.ReadAllTextAsync(Folder("out/test.ipynb"));
        Assert.Contains("the packages could not be restored", executed, StringComparison.Ordinal);
        // Not ours: the runtime clears its pipes by itself; it and NuGet keep a folder for locks.
        string[] left = [.. Directory.GetFileSystemEntries(temporary).Select(path => Path.GetFileName(path))
            .Where(name => name is not (".dotnet" or "NuGetScratchroot") && !name.StartsWith("clr-debug-pipe", StringComparison.Ordinal) && !name.StartsWith("dotnet-diagnostic", StringComparison.Ordinal))];
        Assert.Empty(left);
    }

    [Fact]
    public async Task Run_goes_on_after_a_cell_that_fails_where_errors_are_allowed()
    {
        var notebook = Path.Combine(_folder, "test.dib");
        await File.WriteAllTextAsync(notebook, "#!csharp\n1 + 1\n\n#!csharp\nint.Parse(\"x\")\n\n#!csharp\n\"reached\"\n");
        Assert.Equal(1, await RunAsync("run", notebook, "--out", Folder("stops")));
        Assert.DoesNotContain("reached'", await File.ReadAllTextAsync(Folder("stops/test.ipynb")));
        Assert.Equal(0, await RunAsync("run", notebook, "--out", Folder("goes-on"), "--allow-errors"));
        Assert.Contains("warning: 1 cell failed ([2]) and the run went on", _error.ToString());
        var outputs = JsonNode.Parse(await File.ReadAllTextAsync(Folder("goes-on/test.ipynb")))!["cells"]!.AsArray().Select(cell => cell!["outputs"]?.ToJsonString() ?? "").ToList();
        Assert.Contains(outputs, output => output.Contains("\"ename\"", StringComparison.Ordinal));
        Assert.Contains("reached", outputs[^1]);
    }

    [Fact]
    public async Task Jupyter_list_says_that_none_is_installed()
    {
        var (code, said) = await ProgramRun.RunAsync(
            ProgramRun.Dotnet, [ProgramRun.CommandLine, "jupyter", "list"], null, ("HOME", _folder), ("JUPYTER_DATA_DIR", Folder("data")), ("JUPYTER_PATH", Folder("path")), ("APPDATA", _folder), ("PROGRAMDATA", _folder));
        Assert.Equal(0, code);
        Assert.Contains("none installed; spectralkd jupyter install does it", said);
    }

    [Theory]
    [InlineData("analyze --model deit_nano_patch8", "deit_nano_patch8_64")]
    [InlineData("analyze --images cif", "cifar10")]
    [InlineData("distill nano-deit", "nano-deit-alone")]
    [InlineData("distill x --set loss.al", "loss.alpha=")]
    [InlineData("ana", "analyze")]
    public void Completion_knows_verbs_models_sources_recipes_and_fields(string line, string proposed) =>
        Assert.Contains(proposed, CommandLine.Root().Parse(line).GetCompletions(line.Length).Select(item => item.InsertText));

    [Fact]
    public async Task The_script_for_bash_completes_in_bash()
    {
        Assert.SkipUnless(File.Exists("/bin/bash"), "skipped: there is no /bin/bash");
        var script = $$"""
            spectralkd() { "{{ProgramRun.Dotnet}}" "{{ProgramRun.CommandLine}}" "$@"; }
            source <(spectralkd completion bash)
            COMP_LINE="spectralkd distill nano-deit-a"; COMP_POINT=${#COMP_LINE}; COMP_WORDS=(spectralkd distill nano-deit-a); COMP_CWORD=2
            _spectralkd_complete; echo "found ${COMPREPLY[*]}"
            """;
        var (code, said) = await ProgramRun.RunAsync("/bin/bash", ["-c", script]);
        Assert.Equal(0, code);
        Assert.Contains("found nano-deit-alone", said);
    }

    [Theory]
    [InlineData("fish", "--no-config", """spectralkd completion fish | source; complete -C "spectralkd distill nano-deit-a"; complete -C "spectralkd distill x --set loss.al" """)]
    [InlineData("pwsh", "-NoProfile", """
        spectralkd completion powershell | Out-String | Invoke-Expression
        foreach ($line in 'spectralkd distill nano-deit-a', 'spectralkd distill x --set loss.al') { (TabExpansion2 -inputScript $line -cursorColumn $line.Length).CompletionMatches.CompletionText }
        """)]
    [InlineData("zsh", "-f", """
        zmodload zsh/zpty; zpty typed zsh -f -i
        zpty -w typed 'PS1=; autoload -Uz compinit; compinit -u -D; source <(spectralkd completion zsh); print "READ"Y'; zpty -r typed shown '*READY*'
        zpty -w -n typed $'spectralkd distill nano-deit-al\t'; zpty -r typed shown '*one*'; print -r -- nano-deit-alone; zpty -w -n typed $'\C-u'
        zpty -w -n typed $'spectralkd distill x --set loss.alp\t0.5'; zpty -r typed shown '*ha=*0.5*'; print -r -- ${shown//$'\a'/}
        """)]
    public async Task The_script_completes_in_its_shell(string shell, string plain, string script)
    {
        var program = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, shell)).FirstOrDefault(File.Exists);
        Assert.SkipUnless(program is not null && OperatingSystem.IsLinux(), $"skipped: there is no {shell} on a Linux");
        var command = Folder("spectralkd");
        await File.WriteAllTextAsync(command, $"#!/bin/sh\nexec \"{ProgramRun.Dotnet}\" \"{ProgramRun.CommandLine}\" \"$@\"\n", TestContext.Current.CancellationToken);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(command, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        var (code, said) = await ProgramRun.RunAsync("timeout", ["600", program!, plain, "-c", script], null, ("PATH", $"{_folder}:{Environment.GetEnvironmentVariable("PATH")}"), ("TERM", "dumb"));
        Assert.True(code == 0, said);
        Assert.Contains("nano-deit-alone", said);
        Assert.Contains("loss.alpha=", said);
        Assert.DoesNotContain("loss.alpha= ", said.Replace("\n", "|", StringComparison.Ordinal), StringComparison.Ordinal); // a value follows at once
    }

    [Theory]
    [InlineData("bash", "complete -o bashdefault")]
    [InlineData("zsh", "compdef")]
    [InlineData("fish", "complete -c spectralkd")]
    [InlineData("powershell", "Register-ArgumentCompleter")]
    public async Task Each_shell_has_a_script_that_says_where_it_goes(string shell, string command)
    {
        Assert.Equal(0, await RunAsync("completion", shell));
        Assert.StartsWith("# ", _output.ToString());
        Assert.Contains(command, _output.ToString());
    }

    [Fact]
    public async Task No_colours_are_written_even_to_a_terminal()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/script"), "skipped: there is no script(1) that gives a terminal");
        var (_, said) = await ProgramRun.RunAsync(
            "/usr/bin/script", ["-qec", $"\"{ProgramRun.Dotnet}\" \"{ProgramRun.CommandLine}\" anlyze", "/dev/null"], null, ("NO_COLOR", "1"), ("TERM", "xterm-256color"));
        Assert.Contains("did you mean analyze?", said);
        Assert.DoesNotContain("\u001b[3", said, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private Task<int> RunAsync(params string[] args) => CommandLine.RunAsync(
        args, new InvocationConfiguration { EnableDefaultExceptionHandler = false, Output = _output, Error = _error });

    private string Folder(string name) => Path.Combine(_folder, name);

    private static IEnumerable<(string Path, Command Command)> Leaves(Command command, string path) => command.Subcommands.Count == 0 ? [(path, command)]
        : command.Subcommands.SelectMany(sub => Leaves(sub, $"{path} {sub.Name}")).Concat(command.Action is null || path.Length == 0 ? [] : [(path, command)]);

    [GeneratedRegex(@"\[default: ([^\]]+)\]")]
    private static partial Regex DefaultPattern();
}
