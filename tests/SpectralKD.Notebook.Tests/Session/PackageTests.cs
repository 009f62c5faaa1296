using System.IO.Compression;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using SpectralKD.Notebook.Session;

namespace SpectralKD.Notebook.Tests.Session;

/// <summary>Packages from a folder of this test, by the NuGet configuration of the notebook's folder: no network.</summary>
public sealed class PackageTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("packages-").FullName;

    public PackageTests()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "feed"));
        File.WriteAllText(
            Path.Combine(_folder, "nuget.config"),
            "<configuration><config><add key=\"globalPackagesFolder\" value=\"installed\" /></config>"
            + "<packageSources><clear /></packageSources><fallbackPackageFolders><clear /></fallbackPackageFolders></configuration>");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_package_is_restored_from_the_users_sources_with_what_it_depends_on()
    {
        MakePackage("Greeter.Inner", "1.0.0", "namespace Greeter.Inner { public static class Word { public static string Hello => \"hello\"; } }");
        MakePackage("Greeter", "2.1.0", "namespace Greeter { public static class Greet { public static string Say(string who) => Inner.Word.Hello + \" \" + who; } }", "Greeter.Inner", "1.0.0");
        await using var notebook = NewNotebook();
        var first = await notebook.RunAsync("#i \"nuget:feed\"\n#r \"nuget: Greeter, 2.1.0\"\nusing Greeter;");
        Assert.Equal("Packages: Greeter 2.1.0", RecordedOutput.Text(first.Updates[^1].Data));
        Assert.Equal("hello you", (await notebook.RunAsync("Greet.Say(\"you\")")).Result);
        Assert.Equal("hello", (await notebook.RunAsync("Greeter.Inner.Word.Hello")).Result);
    }

    [Fact]
    public async Task A_package_is_completed_and_explained_right_after_its_line_has_run()
    {
        MakePackage("Waver", "1.0.0", "namespace Waver { public static class Wave { public static int Crest(int height) => height; } }");
        await using var notebook = NewNotebook();
        var output = await notebook.RunAsync("#i \"nuget:feed\"\n#r \"nuget: Waver, 0.9.0\"");
        Assert.Equal("Packages: Waver 1.0.0 (asked for: 0.9.0)", RecordedOutput.Text(output.Updates[^1].Data));
        Assert.Contains("Crest", (await notebook.Session.CompleteAsync("Waver.Wave.", 11)).Items.Select(item => item.Text));
        Assert.Contains("int Wave.Crest(int height)", RecordedOutput.Text((await notebook.Session.InspectAsync("using Waver;\nWave.Crest(", 24))!), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_package_that_does_not_exist_is_one_clear_line()
    {
        await using var notebook = NewNotebook();
        var error = await notebook.FailAsync("#i \"nuget:feed\"\n#r \"nuget: No.Such.Package.Anywhere, 1.0.0\"");
        var line = Assert.Single(error.Traceback);
        Assert.Contains("NU1101", line, StringComparison.Ordinal);
        Assert.Contains("No.Such.Package.Anywhere", line, StringComparison.Ordinal);
        Assert.DoesNotContain("csproj", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_source_that_is_not_there_is_said_at_once()
    {
        await using var notebook = NewNotebook();
        var error = await notebook.FailAsync("#i \"nuget:no/such/folder\"");
        Assert.StartsWith("#i \"nuget:no/such/folder\": there is no folder ", Assert.Single(error.Traceback), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SpectralKD.Interactive")]
    [InlineData("TorchSharp")]
    [InlineData("TorchSharp-cpu")]
    [InlineData("Plotly.NET")]
    [InlineData("Microsoft.Data.Analysis")]
    public async Task A_package_that_the_host_is_made_of_is_the_hosts_own(string name)
    {
        await using var notebook = NewNotebook();
        var output = await notebook.RunAsync($"#r \"nuget: {name}, 99.0.0\"");
        Assert.StartsWith($"{name}: using ", output.Out, StringComparison.Ordinal);
        Assert.Contains("part of this notebook host (asked for: 99.0.0)", output.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_package_that_the_host_keeps_to_itself_comes_in_the_version_asked_for()
    {
        MakePackage("NetMQ", "99.0.0", "namespace NetMQ { public static class Own { public static int Version => 99; } }");
        await using var notebook = NewNotebook();
        await notebook.RunAsync("#i \"nuget:feed\"\n#r \"nuget: NetMQ, 99.0.0\"");
        Assert.Equal("99", (await notebook.RunAsync("NetMQ.Own.Version")).Result);
    }

    [Fact]
    public async Task An_assembly_is_used_by_its_path_and_finds_those_beside_it()
    {
        var inner = Compile("Inner", "public static class Inner { public static int Value => 5; }");
        File.WriteAllBytes(Path.Combine(_folder, "Inner.dll"), inner);
        File.WriteAllBytes(
            Path.Combine(_folder, "Outer.dll"),
            Compile("Outer", "public static class Outer { public static int Twice() => 2 * Inner.Value; }", MetadataReference.CreateFromImage(inner)));
        await using var notebook = NewNotebook();
        Assert.Equal("10", (await notebook.RunAsync("#r \"Outer.dll\"\nOuter.Twice()")).Result);
        await notebook.RunAsync("#r \"System.Text.Json\"\n#r \"System.Xml.dll\"");
    }

    [Fact]
    public async Task An_assembly_that_was_built_anew_is_used_until_the_first_one_is_loaded()
    {
        Build("public static class Lib { public static int Old => 1; }");
        await using var notebook = NewNotebook();
        await notebook.RunAsync("#r \"Lib.dll\"");
        Build("public static class Lib { public static int New => 2; }");
        Assert.Equal("2", (await notebook.RunAsync("#r \"Lib.dll\"\nLib.New")).Result);
        Assert.Equal("2", (await notebook.RunAsync("#r \"Lib.dll\"\nLib.New")).Result);
        Build("public static class Lib { public static int Newer => 3; }");
        Assert.Equal(
            "#r \"Lib.dll\": another Lib is in use already; restart the kernel to use this one",
            (await notebook.FailAsync("#r \"Lib.dll\"\nLib.Newer")).Message);
        Assert.Equal("2", (await notebook.RunAsync("Lib.New")).Result);

        void Build(string code) => File.WriteAllBytes(Path.Combine(_folder, "Lib.dll"), Compile("Lib", code));
    }

    [Fact]
    public async Task A_second_version_of_a_package_in_use_asks_for_a_restart()
    {
        MakePackage("Twin", "1.0.0", "public static class Twin { public static int One => 1; }");
        MakePackage("Twin", "2.0.0", "public static class Twin { public static int Two => 2; }");
        await using var notebook = NewNotebook();
        await notebook.RunAsync("#i \"nuget:feed\"\n#r \"nuget: Twin, 1.0.0\"");
        Assert.Equal("2", (await notebook.RunAsync("#r \"nuget: Twin, 2.0.0\"\nTwin.Two")).Result);
        var output = await notebook.RunAsync("#r \"nuget: Twin, 1.0.0\"");
        Assert.StartsWith("Twin 0.0.0.0 is in use already and stays until the kernel restarts: restart it to use ", output.Out, StringComparison.Ordinal);
        Assert.Equal("2", (await notebook.RunAsync("Twin.Two")).Result);
    }

    [Fact]
    public async Task A_source_that_does_not_answer_is_taken_back()
    {
        MakePackage("Lonely", "1.0.0", "public static class Lonely { public static int Value => 1; }");
        await using var notebook = NewNotebook();
        var error = await notebook.FailAsync("#i \"nuget:feed\"\n#i \"nuget:http://127.0.0.1:9/v3/index.json\"\n#r \"nuget: Lonely, 1.0.0\"");
        Assert.EndsWith("; #i \"nuget:http://127.0.0.1:9/v3/index.json\" is taken back", error.Message, StringComparison.Ordinal);
        Assert.Equal("1", (await notebook.RunAsync("#r \"nuget: Lonely, 1.0.0\"\nLonely.Value")).Result);
    }

    [Fact]
    public async Task Without_a_network_a_package_without_a_version_is_the_newest_in_the_cache()
    {
        MakePackage("Kept", "1.0.0", "public static class Kept { public static int Value => 1; }");
        MakePackage("Kept", "1.10.0", "public static class Kept { public static int Value => 10; }");
        MakePackage("Kept", "1.9.0", "public static class Kept { public static int Value => 9; }");
        foreach (var version in (string[])["1.0.0", "1.10.0", "1.9.0"])
        {
            await using var online = NewNotebook();
            await online.RunAsync($"#i \"nuget:feed\"\n#r \"nuget: Kept, {version}\"");
        }

        Disconnect();
        await using var notebook = NewNotebook();
        var output = await notebook.RunAsync("#r \"nuget: Kept\"");
        Assert.Equal("Packages: Kept 1.10.0, the newest at hand: http://127.0.0.1:9/v3/index.json does not answer", RecordedOutput.Text(output.Updates[^1].Data));
        Assert.Equal("10", (await notebook.RunAsync("Kept.Value")).Result);
        await using var exact = NewNotebook();
        Assert.Equal("9", (await exact.RunAsync("#r \"nuget: Kept, 1.9.0\"\nKept.Value")).Result);
    }

    [Fact]
    public async Task Without_a_network_what_is_not_in_the_cache_is_one_clear_line()
    {
        MakePackage("Held", "1.0.0", "public static class Held { public static int Value => 1; }");
        await using var online = NewNotebook();
        await online.RunAsync("#i \"nuget:feed\"\n#r \"nuget: Held, 1.0.0\"");
        Disconnect();
        await using var notebook = NewNotebook();
        const string End = "http://127.0.0.1:9/v3/index.json does not answer: connect to the network, or name a folder of packages, #i \"nuget:folder\"";
        Assert.Equal(
            "Never.Seen cannot be restored from the local cache (never restored here before), and " + End, Assert.Single((await notebook.FailAsync("#r \"nuget: Never.Seen\"")).Traceback));
        var line = Assert.Single((await notebook.FailAsync("#r \"nuget: Held, 2.0.0\"")).Traceback);
        Assert.StartsWith("Held 2.0.0 cannot be restored from the local cache (NU1102: ", line, StringComparison.Ordinal);
        Assert.EndsWith(End, line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_source_that_does_not_answer_beside_one_that_does_is_left_out_and_said()
    {
        MakePackage("Beside", "1.0.0", "public static class Beside { public static int Value => 1; }");
        Disconnect($"<add key=\"feed\" value=\"{Path.Combine(_folder, "feed")}\" />");
        await using var notebook = NewNotebook();
        var output = await notebook.RunAsync("#r \"nuget: Beside, 1.0.0\"\nBeside.Value");
        Assert.Contains("http://127.0.0.1:9/v3/index.json does not answer", RecordedOutput.Text(output.Updates[^1].Data), StringComparison.Ordinal);
        Assert.Equal("1", output.Result);
    }

    [Fact]
    public async Task An_error_in_an_assembly_names_its_function_too()
    {
        File.WriteAllBytes(Path.Combine(_folder, "Risky.dll"), Compile("Risky", "public static class Risky { public static int Fall(string text) => int.Parse(text); }"));
        await using var notebook = NewNotebook();
        await notebook.RunAsync("#r \"Risky.dll\"");
        Assert.Equal(["   at Risky.Fall", "   at cell [2], line 1"], (await notebook.FailAsync("Risky.Fall(\"x\")")).Traceback.Skip(1));
    }

    [Fact]
    public async Task A_file_that_is_no_assembly_is_refused()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "text.dll"), "text");
        await using var notebook = NewNotebook();
        Assert.Contains("is not a .NET assembly", (await notebook.FailAsync("#r \"text.dll\"")).Message, StringComparison.Ordinal);
    }

    private void Disconnect(string more = "")
    {
        var config = Path.Combine(_folder, "nuget.config");
        File.WriteAllText(config, File.ReadAllText(config).Replace(
            "<packageSources><clear />", $"<packageSources><clear /><add key=\"away\" value=\"http://127.0.0.1:9/v3/index.json\" allowInsecureConnections=\"true\" />{more}", StringComparison.Ordinal));
    }

    private NotebookOfTest NewNotebook() => new(new CSharpSessionOptions { WorkingDirectory = _folder });

    private void MakePackage(string id, string version, string code, string? dependency = null, string? dependencyVersion = null)
    {
        var references = dependency is null ? [] : new[] { MetadataReference.CreateFromImage(ReadFromPackage(dependency, dependencyVersion!)) };
        using var package = ZipFile.Open(PathOf(id, version), ZipArchiveMode.Create);
        Write(package, $"lib/net8.0/{id}.dll", Compile(id, code, references));
        var dependencies = dependency is null ? "" : $"<dependency id=\"{dependency}\" version=\"{dependencyVersion}\" />";
        Write(package, $"{id}.nuspec", System.Text.Encoding.UTF8.GetBytes(
            "<package xmlns=\"http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd\"><metadata>"
            + $"<id>{id}</id><version>{version}</version><authors>test</authors><description>test</description>"
            + $"<dependencies><group targetFramework=\"net8.0\">{dependencies}</group></dependencies></metadata></package>"));
    }

    private byte[] ReadFromPackage(string id, string version)
    {
        using var package = ZipFile.OpenRead(PathOf(id, version));
        using var file = package.GetEntry($"lib/net8.0/{id}.dll")!.Open();
        using var copy = new MemoryStream();
        file.CopyTo(copy);
        return copy.ToArray();
    }

    private string PathOf(string id, string version) => Path.Combine(_folder, "feed", $"{id}.{version}.nupkg");

    private static void Write(ZipArchive package, string name, byte[] content)
    {
        using var stream = package.CreateEntry(name).Open();
        stream.Write(content);
    }

    private static byte[] Compile(string name, string code, params MetadataReference[] references)
    {
        var core = MetadataReference.CreateFromFile(typeof(object).Assembly.Location);
        var compilation = CSharpCompilation.Create(
            name, [CSharpSyntaxTree.ParseText(code)], [core, .. references], new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        using var stream = new MemoryStream();
        var result = compilation.Emit(stream);
        Assert.True(result.Success, string.Join('\n', result.Diagnostics));
        return stream.ToArray();
    }
}
