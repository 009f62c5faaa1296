using System.Text.Json.Nodes;
using SpectralKD.Tests;

namespace SpectralKD.DotNetInteractive.Tests;

/// <summary>The package as <c>dotnet pack</c> makes it.</summary>
public sealed class PackedExtension() : PackedProject("SpectralKD.DotNetInteractive");

public sealed class ExtensionPackageTests(PackedExtension package) : IClassFixture<PackedExtension>
{
    [Fact]
    public void The_package_holds_all_assemblies_with_their_documentation_and_nothing_else() => Assert.Equal(
        [
            "lib/net8.0/SpectralKD.DotNetInteractive.dll", "lib/net8.0/SpectralKD.DotNetInteractive.xml",
            "lib/net8.0/SpectralKD.Interactive.dll", "lib/net8.0/SpectralKD.Interactive.xml", "lib/net8.0/SpectralKD.dll", "lib/net8.0/SpectralKD.xml",
        ],
        package.Files("nupkg").Keys.Where(name => name.EndsWith(".dll", StringComparison.Ordinal) || name.StartsWith("lib/", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal));

    [Fact]
    public void The_symbols_of_all_assemblies_are_in_the_symbol_package() => Assert.Equal(
        ["lib/net8.0/SpectralKD.DotNetInteractive.pdb", "lib/net8.0/SpectralKD.Interactive.pdb", "lib/net8.0/SpectralKD.pdb"],
        package.Files("snupkg").Keys.Where(name => name.StartsWith("lib/", StringComparison.Ordinal)).Order(StringComparer.Ordinal));

    [Fact]
    public void DotNet_Interactive_finds_its_script() => Assert.Equal(
        File.ReadAllText(Path.Combine(SharedData.RepositoryRoot, "src", "SpectralKD.DotNetInteractive", "extension.dib")),
        package.Text("interactive-extensions/dotnet/extension.dib"));

    [Fact]
    public void The_package_says_what_it_is()
    {
        Assert.Equal(("SpectralKD.Interactive", package.Version, "MIT"), (package.Said("id"), package.Said("version"), package.Said("license")));
        Assert.All([package.Said("readme")!, package.Said("icon")!, "LICENSE"], name => Assert.True(package.Files("nupkg")[name] > 0));
    }

    [Fact]
    public void It_depends_on_what_its_assemblies_need_and_on_no_kernel_and_no_libtorch()
    {
        var dependencies = package.Metadata().Descendants().Where(e => e.Name.LocalName == "dependency").Select(e => (string)e.Attribute("id")!).ToList();
        Assert.Superset(
            new HashSet<string>
            {
                "TorchSharp", "SkiaSharp", "SkiaSharp.NativeAssets.Linux.NoDependencies", "Microsoft.Data.Analysis", "SharpZipLib", "System.Numerics.Tensors",
                "Plotly.NET",
            },
            dependencies.ToHashSet());
        string[] foreign = ["Microsoft.DotNet.Interactive", "System.Text.Encodings.Web", "libtorch", "TorchSharp-", "SpectralKD", "Microsoft.CodeAnalysis"];
        Assert.DoesNotContain(dependencies, id => foreign.Any(start => id.StartsWith(start, StringComparison.OrdinalIgnoreCase)));
    }

    [Fact]
    public async Task Who_follows_the_page_of_hosts_gets_a_project_that_analyses_and_distils()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("skipped: the walk-through names libtorch for Linux");
        }

        var commands = DocumentPage.Of("docs/hosts.md").CodeBlocks.Single(block => block.Code.StartsWith("dotnet new console", StringComparison.Ordinal)).Code;
        var program = DocumentPage.Of("docs/hosts.md").CodeBlocks.Single(block => block.Code.Contains("Distiller.RunAsync", StringComparison.Ordinal)).Code;
        Assert.EndsWith("\ndotnet run\n", commands);
        try
        {
            var output = await ShellAsync(commands.Replace("/path/to/feed", package.Folder, StringComparison.Ordinal)
                .Replace("\ndotnet run\n", $"\ncat > Program.cs <<'END'\n{program}END\n{Hardlinks}dotnet run\n", StringComparison.Ordinal));
            Assert.Matches("\\(score [0-9.]+[,)]", output);
            Assert.Matches("top-1 [0-9.,]+ %, weights in runs/first/best.safetensors", output);
        }
        finally
        {
            package.RemoveFromCache();
        }
    }

    [Fact]
    public async Task One_file_of_CSharp_writes_the_U_curve_as_a_page()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("skipped: the page's program names libtorch for Linux");
        }

        var program = DocumentPage.Of("docs/hosts.md").CodeBlocks.Single(block => block.Code.StartsWith("#:package", StringComparison.Ordinal)).Code
            .Replace("SpectralKD.Interactive@0.1.0", $"SpectralKD.Interactive@{package.Version}\n#:property CreateHardLinksForCopyLocalIfPossible=true", StringComparison.Ordinal);
        var folder = Directory.CreateDirectory(Path.Combine(package.Folder, "file")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "app.cs"), program, TestContext.Current.CancellationToken);
        try
        {
            Assert.Matches("\\(score [0-9.]+[,)]", await ProgramRun.SucceedAsync("bash", ["-euc", $"""
                dotnet new nugetconfig
                dotnet nuget add source "{package.Folder}" --name local --configfile nuget.config
                dotnet run app.cs
                """], folder, ("DOTNET_CLI_TELEMETRY_OPTOUT", "1"), ("DOTNET_NOLOGO", "1")));
            Assert.Contains("spectralkd-chart", await File.ReadAllTextAsync(Path.Combine(folder, "u-curve.html"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }
        finally
        {
            package.RemoveFromCache();
        }
    }

    [Fact]
    public async Task It_works_in_the_real_DotNet_Interactive()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("skipped: the page's cell names libtorch for Linux");
        }

        var cell = DocumentPage.Of("docs/hosts.md").CodeBlocks.Single(block => block.Code.StartsWith("#i \"nuget:", StringComparison.Ordinal)).Code
            .Replace("/path/to/feed", package.Folder, StringComparison.Ordinal)
            .Replace("SpectralKD.Interactive\"", $"SpectralKD.Interactive, {package.Version}\"", StringComparison.Ordinal);
        await using var kernel = await StdioKernel.StartAsync(Directory.CreateDirectory(Path.Combine(package.Folder, "kernel")).FullName);
        try
        {
            Assert.Contains(await kernel.RunAsync(cell), shown => shown.Contains("#!spectral-help", StringComparison.Ordinal));
            await kernel.RunAsync(cell);
            await kernel.RunAsync("#!spectral-model deit_nano_patch8_64 --as vit");
            await kernel.RunAsync("var count = 8;");
            await kernel.RunAsync("#!spectral-images textures --count @count --seed @csharp:count --as photos");
            var shown = await kernel.RunAsync("#!spectral-analyze --model vit --images photos --as spectrum");
            Assert.Contains(shown, value => value.StartsWith("application/vnd.plotly.v1+json: {", StringComparison.Ordinal));
            Assert.Contains(shown, value => value.StartsWith("text/html: ", StringComparison.Ordinal) && value.Contains("<table", StringComparison.Ordinal));
            Assert.Equal(["text/plain: 12 8"], await kernel.RunAsync("$\"{spectrum.Depth} {spectrum.Images}\""));
            Assert.Contains("nearest: ", await kernel.FailAsync("#!spectral-model deit_nano_patch8_65"), StringComparison.Ordinal);

            var end = new JsonObject { ["line"] = 0, ["character"] = 19 };
            var asked = kernel.Send("RequestCompletions", new() { ["code"] = "#!spectral-ucurve s", ["linePosition"] = end });
            Assert.Contains("\"spectrum\"", string.Concat((await kernel.AnswersAsync(asked)).Select(answer => answer.ToJsonString())), StringComparison.Ordinal);

            await kernel.RunAsync("#!spectral-images textures --count 1000000 --as many");
            var endless = kernel.Send("SubmitCode", new() { ["code"] = "#!spectral-analyze --model vit --images many --as never" });
            await kernel.UntilAsync(received => StdioKernel.TypeOf(received) == "DisplayedValueUpdated");
            kernel.Send("Cancel", []);
            Assert.Equal("CommandFailed", StdioKernel.TypeOf((await kernel.AnswersAsync(endless))[^1]));
            Assert.Equal(["text/plain: 8"], await kernel.RunAsync("$\"{spectrum.Images}\""));
        }
        finally
        {
            package.RemoveFromCache();
        }
    }

    // 600 MB of libtorch need not be copied for a test.
    private const string Hardlinks = "export CreateHardLinksForCopyLocalIfPossible=true\n";

    private Task<string> ShellAsync(string script)
    {
        var folder = Directory.CreateDirectory(Path.Combine(package.Folder, "walk")).FullName;
        return ProgramRun.SucceedAsync("bash", ["-euc", script], folder, ("DOTNET_CLI_TELEMETRY_OPTOUT", "1"), ("DOTNET_NOLOGO", "1"));
    }
}
