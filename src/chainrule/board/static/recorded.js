var ht=globalThis,Mt=e=>e,J=ht.trustedTypes,Nt=J?J.createPolicy("lit-html",{createHTML:e=>e}):void 0,dt="$lit$",_=`lit$${Math.random().toFixed(9).slice(2)}$`,ut="?"+_,xe=`<${ut}>`,x=document,I=()=>x.createComment(""),q=e=>e===null||typeof e!="object"&&typeof e!="function",pt=Array.isArray,Et=e=>pt(e)||typeof e?.[Symbol.iterator]=="function",lt=`[ 	
\f\r]`,L=/<(?:(!--|\/[^a-zA-Z])|(\/?[a-zA-Z][^>\s]*)|(\/?$))/g,Tt=/-->/g,St=/>/g,k=RegExp(`>|${lt}(?:([^\\s"'>=/]+)(${lt}*=${lt}*(?:[^ 	
\f\r"'\`<>=]|("|')|))|$)`,"g"),Pt=/'/g,Ot=/"/g,Ht=/^(?:script|style|textarea|title)$/i,$t=e=>(t,...s)=>({_$litType$:e,strings:t,values:s}),a=$t(1),v=$t(2),Is=$t(3),M=Symbol.for("lit-noChange"),h=Symbol.for("lit-nothing"),Ct=new WeakMap,b=x.createTreeWalker(x,129);function Lt(e,t){if(!pt(e)||!e.hasOwnProperty("raw"))throw Error("invalid template strings array");return Nt!==void 0?Nt.createHTML(t):t}var It=(e,t)=>{let s=e.length-1,n=[],i,r=t===2?"<svg>":t===3?"<math>":"",o=L;for(let c=0;c<s;c++){let l=e[c],d,p,$=-1,m=0;for(;m<l.length&&(o.lastIndex=m,p=o.exec(l),p!==null);)m=o.lastIndex,o===L?p[1]==="!--"?o=Tt:p[1]!==void 0?o=St:p[2]!==void 0?(Ht.test(p[2])&&(i=RegExp("</"+p[2],"g")),o=k):p[3]!==void 0&&(o=k):o===k?p[0]===">"?(o=i??L,$=-1):p[1]===void 0?$=-2:($=o.lastIndex-p[2].length,d=p[1],o=p[3]===void 0?k:p[3]==='"'?Ot:Pt):o===Ot||o===Pt?o=k:o===Tt||o===St?o=L:(o=k,i=void 0);let y=o===k&&e[c+1].startsWith("/>")?" ":"";r+=o===L?l+xe:$>=0?(n.push(d),l.slice(0,$)+dt+l.slice($)+_+y):l+_+($===-2?c:y)}return[Lt(e,r+(e[s]||"<?>")+(t===2?"</svg>":t===3?"</math>":"")),n]},z=class e{constructor({strings:t,_$litType$:s},n){let i;this.parts=[];let r=0,o=0,c=t.length-1,l=this.parts,[d,p]=It(t,s);if(this.el=e.createElement(d,n),b.currentNode=this.el.content,s===2||s===3){let $=this.el.content.firstChild;$.replaceWith(...$.childNodes)}for(;(i=b.nextNode())!==null&&l.length<c;){if(i.nodeType===1){if(i.hasAttributes())for(let $ of i.getAttributeNames())if($.endsWith(dt)){let m=p[o++],y=i.getAttribute($).split(_),f=/([.?@])?(.*)/.exec(m);l.push({type:1,index:r,name:f[2],strings:y,ctor:f[1]==="."?G:f[1]==="?"?Z:f[1]==="@"?Q:T}),i.removeAttribute($)}else $.startsWith(_)&&(l.push({type:6,index:r}),i.removeAttribute($));if(Ht.test(i.tagName)){let $=i.textContent.split(_),m=$.length-1;if(m>0){i.textContent=J?J.emptyScript:"";for(let y=0;y<m;y++)i.append($[y],I()),b.nextNode(),l.push({type:2,index:++r});i.append($[m],I())}}}else if(i.nodeType===8)if(i.data===ut)l.push({type:2,index:r});else{let $=-1;for(;($=i.data.indexOf(_,$+1))!==-1;)l.push({type:7,index:r}),$+=_.length-1}r++}}static createElement(t,s){let n=x.createElement("template");return n.innerHTML=t,n}};function N(e,t,s=e,n){if(t===M)return t;let i=n!==void 0?s._$Co?.[n]:s._$Cl,r=q(t)?void 0:t._$litDirective$;return i?.constructor!==r&&(i?._$AO?.(!1),r===void 0?i=void 0:(i=new r(e),i._$AT(e,s,n)),n!==void 0?(s._$Co??=[])[n]=i:s._$Cl=i),i!==void 0&&(t=N(e,i._$AS(e,t.values),i,n)),t}var K=class{constructor(t,s){this._$AV=[],this._$AN=void 0,this._$AD=t,this._$AM=s}get parentNode(){return this._$AM.parentNode}get _$AU(){return this._$AM._$AU}u(t){let{el:{content:s},parts:n}=this._$AD,i=(t?.creationScope??x).importNode(s,!0);b.currentNode=i;let r=b.nextNode(),o=0,c=0,l=n[0];for(;l!==void 0;){if(o===l.index){let d;l.type===2?d=new P(r,r.nextSibling,this,t):l.type===1?d=new l.ctor(r,l.name,l.strings,this,t):l.type===6&&(d=new Y(r,this,t)),this._$AV.push(d),l=n[++c]}o!==l?.index&&(r=b.nextNode(),o++)}return b.currentNode=x,i}p(t){let s=0;for(let n of this._$AV)n!==void 0&&(n.strings!==void 0?(n._$AI(t,n,s),s+=n.strings.length-2):n._$AI(t[s])),s++}},P=class e{get _$AU(){return this._$AM?._$AU??this._$Cv}constructor(t,s,n,i){this.type=2,this._$AH=h,this._$AN=void 0,this._$AA=t,this._$AB=s,this._$AM=n,this.options=i,this._$Cv=i?.isConnected??!0}get parentNode(){let t=this._$AA.parentNode,s=this._$AM;return s!==void 0&&t?.nodeType===11&&(t=s.parentNode),t}get startNode(){return this._$AA}get endNode(){return this._$AB}_$AI(t,s=this){t=N(this,t,s),q(t)?t===h||t==null||t===""?(this._$AH!==h&&this._$AR(),this._$AH=h):t!==this._$AH&&t!==M&&this._(t):t._$litType$!==void 0?this.$(t):t.nodeType!==void 0?this.T(t):Et(t)?this.k(t):this._(t)}O(t){return this._$AA.parentNode.insertBefore(t,this._$AB)}T(t){this._$AH!==t&&(this._$AR(),this._$AH=this.O(t))}_(t){this._$AH!==h&&q(this._$AH)?this._$AA.nextSibling.data=t:this.T(x.createTextNode(t)),this._$AH=t}$(t){let{values:s,_$litType$:n}=t,i=typeof n=="number"?this._$AC(t):(n.el===void 0&&(n.el=z.createElement(Lt(n.h,n.h[0]),this.options)),n);if(this._$AH?._$AD===i)this._$AH.p(s);else{let r=new K(i,this),o=r.u(this.options);r.p(s),this.T(o),this._$AH=r}}_$AC(t){let s=Ct.get(t.strings);return s===void 0&&Ct.set(t.strings,s=new z(t)),s}k(t){pt(this._$AH)||(this._$AH=[],this._$AR());let s=this._$AH,n,i=0;for(let r of t)i===s.length?s.push(n=new e(this.O(I()),this.O(I()),this,this.options)):n=s[i],n._$AI(r),i++;i<s.length&&(this._$AR(n&&n._$AB.nextSibling,i),s.length=i)}_$AR(t=this._$AA.nextSibling,s){for(this._$AP?.(!1,!0,s);t!==this._$AB;){let n=Mt(t).nextSibling;Mt(t).remove(),t=n}}setConnected(t){this._$AM===void 0&&(this._$Cv=t,this._$AP?.(t))}},T=class{get tagName(){return this.element.tagName}get _$AU(){return this._$AM._$AU}constructor(t,s,n,i,r){this.type=1,this._$AH=h,this._$AN=void 0,this.element=t,this.name=s,this._$AM=i,this.options=r,n.length>2||n[0]!==""||n[1]!==""?(this._$AH=Array(n.length-1).fill(new String),this.strings=n):this._$AH=h}_$AI(t,s=this,n,i){let r=this.strings,o=!1;if(r===void 0)t=N(this,t,s,0),o=!q(t)||t!==this._$AH&&t!==M,o&&(this._$AH=t);else{let c=t,l,d;for(t=r[0],l=0;l<r.length-1;l++)d=N(this,c[n+l],s,l),d===M&&(d=this._$AH[l]),o||=!q(d)||d!==this._$AH[l],d===h?t=h:t!==h&&(t+=(d??"")+r[l+1]),this._$AH[l]=d}o&&!i&&this.j(t)}j(t){t===h?this.element.removeAttribute(this.name):this.element.setAttribute(this.name,t??"")}},G=class extends T{constructor(){super(...arguments),this.type=3}j(t){this.element[this.name]=t===h?void 0:t}},Z=class extends T{constructor(){super(...arguments),this.type=4}j(t){this.element.toggleAttribute(this.name,!!t&&t!==h)}},Q=class extends T{constructor(t,s,n,i,r){super(t,s,n,i,r),this.type=5}_$AI(t,s=this){if((t=N(this,t,s,0)??h)===M)return;let n=this._$AH,i=t===h&&n!==h||t.capture!==n.capture||t.once!==n.once||t.passive!==n.passive,r=t!==h&&(n===h||i);i&&this.element.removeEventListener(this.name,this,n),r&&this.element.addEventListener(this.name,this,t),this._$AH=t}handleEvent(t){typeof this._$AH=="function"?this._$AH.call(this.options?.host??this.element,t):this._$AH.handleEvent(t)}},Y=class{constructor(t,s,n){this.element=t,this.type=6,this._$AN=void 0,this._$AM=s,this.options=n}get _$AU(){return this._$AM._$AU}_$AI(t){N(this,t)}},qt={M:dt,P:_,A:ut,C:1,L:It,R:K,D:Et,V:N,I:P,H:T,N:Z,U:Q,B:G,F:Y},Me=ht.litHtmlPolyfillSupport;Me?.(z,P),(ht.litHtmlVersions??=[]).push("3.3.3");var zt=(e,t,s)=>{let n=s?.renderBefore??t,i=n._$litPart$;if(i===void 0){let r=s?.renderBefore??null;n._$litPart$=i=new P(t.insertBefore(I(),r),r,void 0,s??{})}return i._$AI(e),i};function X(e){let t=new URLSearchParams(e.replace(/^#/,"")),s={},n=d=>{let p=t.get(d)??"";return/^\d{1,12}$/.test(p)?Number(p):void 0},i=n("focus"),r=n("step");i!==void 0&&(s.focus=i),r!==void 0&&(s.step=r);let o=t.get("entry");o&&(s.entry=o.replaceAll(",",", ").replaceAll(",  ",", "));let c=(t.get("plane")??"").split(",");c.length===2&&c.every(d=>/^\d{1,6}$/.test(d))&&(s.plane=[Number(c[0]),Number(c[1])]),t.get("order")==="row"&&(s.order="row"),t.has("projector")&&(s.projector=!0);let l=t.get("theme");return(l==="light"||l==="dark")&&(s.theme=l),s}function Dt(e,t){let s=[];return t!==void 0&&s.push(`step=${t}`),e.focus!==null&&s.push(`focus=${e.focus}`),e.entry&&s.push(`entry=${encodeURIComponent(e.entry.replaceAll(" ",""))}`),e.plane&&s.push(`plane=${e.plane.join(",")}`),e.order!=="loss"&&s.push(`order=${e.order}`),e.projector&&s.push("projector"),e.theme!=="auto"&&s.push(`theme=${e.theme}`),s.length?`#${s.join("&")}`:""}var Rt=[["Space","play, pause"],[". and ,","one step on, one back"],["/","find a node or an entry"],["← → ↑ ↓","walk the graph's edges; up and down change the lane"],["n and m","next sample, the batch"],["h","one phase on: forward, loss, backward, update"],["g","check the gradients"],["q","a question"],["p","projector"],["?","this list"]];function Ut(e){return e.readOnly?Rt.filter(([t])=>t!=="q"):Rt}function Wt(e){(e.keepsAddress?document:e.root).addEventListener("keydown",s=>{let n=s,i=n.target,r=!(n.ctrlKey||n.metaKey||n.altKey);if(!e.keepsAddress&&r&&n.key!=="Escape"&&n.key!=="Tab"&&n.stopPropagation(),!r||Ne(i))return;let o=Te[n.key];!o||!e.scene||n.key===" "&&i.closest("button, a, summary, [role=button]")||n.key.startsWith("Arrow")&&i.closest("[role=grid], [role=tablist], input, select")||(n.preventDefault(),o(e))})}function Ne(e){return e.matches("input:not([type=range]), textarea, select, [contenteditable]")}var Te={" ":e=>e.togglePlay(),".":e=>e.command("step"),",":e=>e.command("back"),"/":e=>e.root.querySelector(".find input")?.focus(),h:e=>e.command("phase"),g:e=>e.runCheck(),m:e=>e.look({focus:null}),n:e=>e.look({focus:Se(e)}),p:e=>e.look({projector:!e.view.projector}),q:e=>e.readOnly||jt(e,"quiz"),"?":e=>jt(e,"keys"),ArrowRight:e=>Ft(e,1),ArrowLeft:e=>Ft(e,-1),ArrowUp:e=>Bt(e,!1),ArrowDown:e=>Bt(e,!0)};function Se(e){let{focus:t}=e.view,{recorded:s}=e;return s?s.rows[(s.rows.indexOf(t??-1)+1)%s.rows.length]??null:((t??-1)+1)%e.scene.rows}function jt(e,t){e.openPanel=e.openPanel===t?"":t,e.draw()}function Ft(e,t){let s=e.scene.nodes,n=e.view.entry?.replace(/\[.*$/,"")??"",i=!s.some(l=>l.name===n)&&n.startsWith("d"),r=i?n.slice(1):n,o=s.find(l=>l.name===r),c=o?t>0?s.find(l=>l.inputs.includes(r))?.name:o.inputs[0]:s[0]?.name;c&&e.select(i?`d${c}`:c)}function Bt(e,t){let s=e.view.entry;if(!s)return;!e.scene.nodes.some(i=>i.name===s.replace(/\[.*$/,""))!==t&&e.select(t?`d${s}`:s.slice(1))}var ft="−";function A(e,t=4){if(e==null)return"";if(Number.isNaN(e))return"NaN";if(!Number.isFinite(e))return e>0?"∞":`${ft}∞`;let s=Math.abs(e),n;if(s!==0&&(s<.001||s>=1e6)){let[i,r]=s.toExponential(t-1).split("e");n=`${i}e${r.replace("+","").replace("-",ft)}`}else n=s.toPrecision(t),n.includes("e")&&(n=String(Number(n)));return e<0||Object.is(e,-0)?ft+n:n}function u(e,t,s=4){return e==null?"":a`<span class="number" data-of=${t} data-exact=${String(e)} title=${String(e)}>${A(e,s)}</span>`}function w(e){return e.toLocaleString("en-US").replaceAll(","," ")}function D(e){return e.length?`(${e.join(", ")}${e.length===1?",":""})`:"scalar"}var Pe={forward:"forward",loss:"loss",backward:"backward",update:"update"};function Vt(e){let{state:t,scene:s}=e;return a`
    <header>
      <div class="title">
        <h1>chainrule board</h1>
        <p>${s.title} · ${Ee(s)} · ${w(s.parameters)} parameters${e.recorded?a` · a recording of ${w(e.recorded.steps.length)} steps of ${w(t.furthest)}`:h}</p>
      </div>
      ${He(e)}
      <dl class="measures">
        <div><dt>step</dt><dd data-of="step" data-exact=${t.step}>${w(t.step)}</dd></div>
        <div><dt>loss</dt><dd>${u(e.answers.frame?.loss,"loss")}</dd></div>
        <div><dt>accuracy</dt><dd>${u(e.answers.samples?.accuracy,"accuracy",3)}</dd></div>
      </dl>
      <div class="tools">
        <button type="button" aria-pressed=${e.view.projector} @click=${()=>e.look({projector:!e.view.projector})}>Projector</button>
        <button type="button" aria-label="Theme: ${e.view.theme}" @click=${()=>e.look({theme:Ce(e.view.theme)})}>${Oe[e.view.theme]}</button>
        ${Ie(e)}
      </div>
      ${qe(e)} ${e.openPanel==="keys"?ze(e):h}
    </header>
  `}var Oe={auto:"Auto",light:"Light",dark:"Dark"};function Ce(e){return e==="auto"?"light":e==="light"?"dark":"auto"}function Ee(e){return[e.columns,...e.network.hidden_layer_sizes,e.classes.length].join("–")}function He(e){let{state:t}=e;return a`
    <div class="controls" role="group" aria-label="Run">
      <button type="button" class="main" @click=${()=>e.togglePlay()}>${t.playing?"Pause":"Play"}</button>
      <button type="button" @click=${()=>e.command("back")} ?disabled=${t.step===0&&t.phase==="forward"}>Back</button>
      <button type="button" @click=${()=>e.command("step")}>Step</button>
      ${e.readOnly?h:a`<button type="button" @click=${()=>e.command("step",{count:100})}>100 steps</button>`}
      <button type="button" @click=${()=>e.command("reset")} ?disabled=${t.step===0}>To the start</button>
      <label class="rate">pace
        <select @change=${s=>Le(e,s.target.value)}>
          <option value="" ?selected=${t.rate===null}>${e.readOnly?"2 a second":"as fast as it goes"}</option>
          ${(e.readOnly?[1,4,10]:[1,4,20,100]).map(s=>a`<option value=${s} ?selected=${t.rate===s}>${s} a second</option>`)}
        </select>
      </label>
    </div>
    <ol class="phases" aria-label="Phases of step ${t.step+1}">
      ${e.scene.phases.map(s=>a`
          <li aria-current=${s===t.phase?"step":h}>${Pe[s]}</li>
        `)}
      <li><button type="button" @click=${()=>e.command("phase")}>Next phase</button></li>
    </ol>
  `}function Le(e,t){let s=t?Number(t):null;e.state.playing?e.command("play",{rate:s}):e.state.rate=s}function Ie(e){return(e.readOnly?["keys"]:["network","quiz","keys"]).map(t=>a`
      <button type="button" aria-expanded=${e.openPanel===t} @click=${()=>{e.openPanel=e.openPanel===t?"":t,e.draw()}}>${{network:"Network",quiz:"Quiz",keys:"Keys"}[t]}</button>
    `)}function qe(e){let t=[];return(!e.connected||e.told)&&t.push(e.waitingText()),e.state.stopped_at!==null&&t.push(`Step ${e.state.stopped_at+1}: the loss is no longer a number. The run has stopped before it.`),e.message&&t.push(e.message),a`<div class="notices" role="status" aria-live="polite">${t.map(s=>a`<p>${s}</p>`)}</div>`}function ze(e){return a`
    <section class="keys" aria-label="Keys">
      <dl>${Ut(e).map(([t,s])=>a`<div><dt><kbd>${t}</kbd></dt><dd>${s}</dd></div>`)}</dl>
    </section>
  `}var tt={ATTRIBUTE:1,CHILD:2,PROPERTY:3,BOOLEAN_ATTRIBUTE:4,EVENT:5,ELEMENT:6},C=e=>(...t)=>({_$litDirective$:e,values:t}),O=class{constructor(t){}get _$AU(){return this._$AM._$AU}_$AT(t,s,n){this._$Ct=t,this._$AM=s,this._$Ci=n}_$AS(t,s){return this.update(t,s)}update(t,s){return this.render(...s)}};var{I:Ks}=qt;var Jt=e=>e.strings===void 0;var R=(e,t)=>{let s=e._$AN;if(s===void 0)return!1;for(let n of s)n._$AO?.(t,!1),R(n,t);return!0},et=e=>{let t,s;do{if((t=e._$AM)===void 0)break;s=t._$AN,s.delete(e),e=t}while(s?.size===0)},Kt=e=>{for(let t;t=e._$AM;e=t){let s=t._$AN;if(s===void 0)t._$AN=s=new Set;else if(s.has(e))break;s.add(e),je(t)}};function De(e){this._$AN!==void 0?(et(this),this._$AM=e,Kt(this)):this._$AM=e}function Re(e,t=!1,s=0){let n=this._$AH,i=this._$AN;if(i!==void 0&&i.size!==0)if(t)if(Array.isArray(n))for(let r=s;r<n.length;r++)R(n[r],!1),et(n[r]);else n!=null&&(R(n,!1),et(n));else R(this,e)}var je=e=>{e.type==tt.CHILD&&(e._$AP??=Re,e._$AQ??=De)},j=class extends O{constructor(){super(...arguments),this._$AN=void 0}_$AT(t,s,n){super._$AT(t,s,n),Kt(this),this.isConnected=t._$AU}_$AO(t,s=!0){t!==this.isConnected&&(this.isConnected=t,t?this.reconnected?.():this.disconnected?.()),s&&(R(this,t),et(this))}setValue(t){if(Jt(this._$Ct))this._$Ct._$AI(t,this);else{let s=[...this._$Ct._$AH];s[this._$Ci]=t,this._$Ct._$AI(s,this,0)}}disconnected(){}reconnected(){}};var Gt=["#0072b2","#d55e00","#009e73","#cc79a7","#b8860b","#56b4e9","#6a3d9a","#8c8c8c","#a6761d","#1b1b1b"],Zt=["circle","triangle","square","diamond","cross","star"];function F(e){return Gt[e%Gt.length]}function st(e){return Zt[e%Zt.length]}var Fe={light:{low:[194,84,8],zero:[250,250,248],high:[8,92,158],bad:[0,0,0]},dark:{low:[255,158,82],zero:[24,28,34],high:[96,178,255],bad:[255,255,255]}};function Qt(e,t){let s=Fe[t];if(!Number.isFinite(e))return s.bad;let n=e<0?s.low:s.high,i=Math.min(1,Math.abs(e))**.7;return s.zero.map((r,o)=>Math.round(r+(n[o]-r)*i))}var mt=class extends j{key="";update(t,[s,n]){let i=t.element,r=`${n} ${U(i)}`;this.key!==r&&(this.key=r,requestAnimationFrame(()=>s(i)))}render(){}},E=C(mt),gt=class extends j{update(t,[s]){for(let[n,i]of Object.entries(s))t.element.style.setProperty(n,i)}render(){}},B=C(gt);function yt(e){let t=window.devicePixelRatio||1,{clientWidth:s,clientHeight:n}=e;e.width!==Math.round(s*t)&&(e.width=Math.round(s*t)),e.height!==Math.round(n*t)&&(e.height=Math.round(n*t));let i=e.getContext("2d");return i.setTransform(t,0,0,t,0,0),i.clearRect(0,0,s,n),{context:i,width:s,height:n}}function U(e){let[t,s,n]=(getComputedStyle(e).color.match(/[\d.]+/g)??["0","0","0"]).map(Number);return t+s+n>384?"dark":"light"}function Yt(e,t){return s=>{let[n,i]=e.shape;if(s.width=Math.max(1,i),s.height=Math.max(1,n),!n||!i)return;let r=U(s),o=new ImageData(i,n);for(let c=0;c<n*i;++c){let l=e.data[c],[d,p,$]=Qt(t>0||!Number.isFinite(l)?l/(t||1):0,r);o.data.set([d,p,$,255],4*c)}s.getContext("2d").putImageData(o,0,0)}}function Be(e,t,s,n,i){e.beginPath(),t==="circle"?e.arc(s,n,i,0,2*Math.PI):t==="square"?e.rect(s-i*.9,n-i*.9,i*1.8,i*1.8):t==="triangle"?nt(e,s,n+i*.2,i*1.25,3,-Math.PI/2):t==="diamond"?nt(e,s,n,i*1.25,4,0):t==="star"?nt(e,s,n,i*1.25,5,-Math.PI/2,.5):nt(e,s,n,i*1.35,4,Math.PI/4,.4),e.fill(),e.stroke()}function nt(e,t,s,n,i,r,o=0){let c=o?2*i:i;for(let l=0;l<c;++l){let d=o&&l%2?n*o:n,p=r+2*Math.PI*l/c;e.lineTo(t+d*Math.cos(p),s+d*Math.sin(p))}e.closePath()}function Xt(e,t){return s=>{let{context:n,width:i,height:r}=yt(s),o=U(s),{size:c,classes:l,confidence:d}=e,p=new ImageData(c,c),$=Math.max(2,Math.max(...l.data)+1);for(let g=0;g<c*c;++g){let H=(c-1-Math.floor(g/c))*c+g%c,ve=F(l.data[H]),Ae=Math.max(0,(d.data[H]/255-1/$)/(1-1/$)),[_e,ke,be]=[1,3,5].map(xt=>parseInt(ve.slice(xt,xt+2),16));p.data.set([_e,ke,be,(o==="dark"?40:26)+100*Ae],4*g)}let m=new OffscreenCanvas(c,c);m.getContext("2d").putImageData(p,0,0),n.imageSmoothingEnabled=!0,n.drawImage(m,0,0,i,r);let y=g=>(g-e.across[0])/(e.across[1]-e.across[0])*i,f=g=>r-(g-e.up[0])/(e.up[1]-e.up[0])*r,S=Math.max(2.2,Math.min(4.5,90/Math.sqrt(e.rows.shape[0]+1)));for(let g=0;g<e.rows.shape[0];++g){let H=e.labels.data[g];n.fillStyle=F(H),n.strokeStyle=o==="dark"?"#0f1216":"#ffffff",n.lineWidth=.8,Be(n,st(H),y(e.points.data[2*g]),f(e.points.data[2*g+1]),S),e.rows.data[g]===t&&(n.beginPath(),n.strokeStyle=o==="dark"?"#ffffff":"#000000",n.lineWidth=2,n.arc(y(e.points.data[2*g]),f(e.points.data[2*g+1]),S+5,0,2*Math.PI),n.stroke())}}}var Ue={forward:0,loss:1,backward:2,update:3};function se(e){let{scene:t,answers:s}=e,{layout:n}=t,i=new Map((s.frame?.nodes??[]).map(c=>[c.name,c])),[r,o]=[n.width+16,n.height+16];return a`
    <section class="panel graph" aria-labelledby="graph-title">
      <div class="bar">
        <h2 id="graph-title">Graph</h2>
        <p class="aside">${We(e)}</p>
        <form class="find" @submit=${c=>Ye(e,c)}>
          <label for="find">Find</label>
          <input id="find" name="entry" list="nodes" placeholder="W1[0, 3]" autocomplete="off" spellcheck="false" />
          <datalist id="nodes">${t.nodes.map(c=>a`<option value=${c.name}></option>`)}${e.recorded?.entries.map(c=>a`<option value=${c}></option>`)}</datalist>
        </form>
      </div>
      <div class="scroll" tabindex="0" role="group" aria-label="Graph, scrollable">
        <div class="drawing" ${B({width:`${r}px`,height:`${o}px`})}>
          <svg viewBox="-8 -8 ${r} ${o}" width=${r} height=${o} aria-hidden="true">
            ${n.routes.map(c=>Ve(c))}
            ${n.tags.map(c=>v`<text class="tag ${c.lane}" x=${c.x+c.width/2} y=${c.y+c.height/2+4}>${c.text}</text>`)}
            ${n.headings.map(c=>v`<text class="heading ${c.lane}" x=${c.x} y=${c.y}>${c.text}</text>`)}
          </svg>
          ${n.boxes.map(c=>Ke(e,c,i.get(c.name)))}
        </div>
      </div>
      ${e.expanded?Xe(e):h}
    </section>
  `}function We(e){let{focus:t}=e.view;if(t!==null)return a`driven by sample ${t} alone: m = 1`;let s=e.answers.frame?.rows;return a`driven by the batch${s?a` of m = ${s} rows: J is a mean, so 1/m stands in dZ`:h}`}function Ve(e){let t=e.points.map(([s,n])=>`${s},${n}`);return v`<polyline class="route ${e.lane}" points=${t.join(" ")} />
    ${Je(e)}`}function Je(e){let t=e.points.length;if(t<2||e.target===null)return h;let[[s,n],[i,r]]=[e.points[t-2],e.points[t-1]],o=Math.atan2(r-n,i-s)*180/Math.PI;return v`<path class="head ${e.lane}" d="M0 0L-8 -4L-8 4Z" transform="translate(${i} ${r}) rotate(${o})" />`}function Ke(e,t,s){let n=t.lane==="backward",i=n?`d${t.name}`:t.name,r=B({left:`${t.x+8}px`,top:`${t.y+8}px`,width:`${t.width}px`,height:`${t.height}px`});if(t.elided)return a`<div class="card elided" ${r}>${t.elided}</div>`;let o=n?s?.gradient:s?.value,c=(e.view.entry??"").replace(/\[.*$/,"")===i;return a`
    <button type="button" class="card ${t.lane} ${t.kind} ${Ze(e,t)?"":"ahead"}" ${r}
      data-node=${i} aria-pressed=${c}
      @click=${()=>e.select(i)} @dblclick=${()=>Qe(e,t.name,n)}>
      <span class="name">${n?a`<i class="d">d</i>${te(t.name)}`:te(t.name)}</span>
      <span class="shape">${D(s?.shape??t.shape)}</span>
      <span class="visually-hidden">${n?"gradient":t.operation}</span>
      ${o?Ge(e,i,o):a`<span class="none">no gradient</span>`}
    </button>
  `}function te(e){let[,t,s]=e.match(/^(.*?)(\d*)$/s);return a`<i>${t||s}</i>${t&&s?a`<sub>${s}</sub>`:h}`}function Ge(e,t,s){let{least:n,most:i,nonfinite:r}=s;if(s.size===1)return a`<span class="scalar ${r?"bad":""}">${u(s.only,`only ${t}`)}</span>`;let o=Math.max(Math.abs(n??0),Math.abs(i??0));return a`
    <canvas class="heat" ${E(Yt(s.picture,o),`${e.answeredFor.frame} ${e.view.theme} ${t}`)}></canvas>
    <span class="range ${r?"bad":""}">${r?`${r} not finite`:a`${u(n,`least ${t}`,3)} … ${u(i,`most ${t}`,3)}`}</span>
  `}function Ze(e,t){let s=Ue[e.state.phase];return e.state.playing?!0:t.lane==="backward"?s>=2:t.shape.length===0&&!t.elided?s>=1:!0}function Qe(e,t,s){e.expanded={node:t,gradient:s,row:0,column:0},e.refresh()}function Ye(e,t){t.preventDefault();let s=t.target.elements.namedItem("entry"),n=s.value.trim();n&&(e.select(n),s.value="",s.blur())}function Xe(e){let{block:t}=e.answers,s=e.expanded,n=s.gradient?`d${s.node}`:s.node;if(!t)return a`<p class="waiting">${e.errors.block??"…"}</p>`;let[i,r]=t.entries.shape,o=t.shape.length<2,c=(l,d)=>t.shape.length===0?"":o?`[${t.column+d}]`:`[${t.row+l}, ${t.column+d}]`;return a`
    <div class="entries">
      <div class="bar">
        <h3>${n} ${D(t.shape)}</h3>
        ${ee(e,"rows",t.row,i,o?1:t.shape[0])}
        ${ee(e,"columns",t.column,r,t.shape.at(-1)??1)}
        <button type="button" @click=${()=>{e.expanded=null,e.refresh()}}>Close</button>
      </div>
      <div class="scroll" tabindex="0" role="group" aria-label="Entries of ${n}">
        <table>
          <thead><tr><th></th>${wt(r).map(l=>a`<th scope="col">${t.column+l}</th>`)}</tr></thead>
          <tbody>
            ${wt(i).map(l=>a`<tr><th scope="row">${o?"":t.row+l}</th>
                ${wt(r).map(d=>a`<td>${ts(e,n+c(l,d),t.entries.data[l*r+d])}</td>`)}</tr>`)}
          </tbody>
        </table>
      </div>
    </div>
  `}function ts(e,t,s){let n=u(s,`entry ${t}`,3);return e.canSelect(t)?a`<button type="button" class="entry" data-entry=${t} @click=${()=>e.select(t)}>${n}</button>`:n}function ee(e,t,s,n,i){if(n>=i)return h;if(e.readOnly)return a`<span class="mover">${t} 0 to ${n-1} of ${i}: the others were not recorded</span>`;let r=t==="rows"?"row":"column",o=c=>{e.expanded={...e.expanded,[r]:Math.max(0,Math.min(c,i-1))},e.refresh()};return a`
    <span class="mover">${t} ${s} to ${s+n-1} of ${i}
      <button type="button" aria-label="Earlier ${t}" ?disabled=${s===0} @click=${()=>o(s-n)}>‹</button>
      <button type="button" aria-label="Later ${t}" ?disabled=${s+n>=i} @click=${()=>o(s+n)}>›</button>
    </span>
  `}function wt(e){return Array.from({length:e},(t,s)=>s)}var W=class extends O{constructor(t){if(super(t),this.it=h,t.type!==tt.CHILD)throw Error(this.constructor.directiveName+"() can only be used in child bindings")}render(t){if(t===h||t==null)return this._t=void 0,this.it=t;if(t===M)return t;if(typeof t!="string")throw Error(this.constructor.directiveName+"() called with a non-string value");if(t===this.it)return this._t;this.it=t;let s=[t];return s.raw=s,this._t={_$litType$:this.constructor.resultType,strings:s,values:[]}}};W.directiveName="unsafeHTML",W.resultType=1;var it=C(W);function ne(e){let{inspect:t}=e.answers;return a`
    <section class="panel inspector" aria-labelledby="inspector-title">
      <div class="bar"><h2 id="inspector-title">Inspector</h2>${t?a`<p class="aside">${t.entry}</p>`:h}</div>
      ${e.view.entry===null?a`<p class="hint">Select a node of the graph, or find an entry: <kbd>/</kbd> then <code>W1[0, 3]</code>.</p>`:t?es(e,t):a`<p class="hint">${e.errors.inspect??"…"}</p>`}
    </section>
  `}function es(e,t){return a`
    <dl class="facts">
      ${t.value===void 0?h:a`<div><dt>value</dt><dd>${u(t.value,`value ${t.entry}`,6)}</dd></div>`}
      ${t.gradient===void 0?h:a`<div><dt>gradient</dt><dd>${u(t.gradient,`gradient ${t.entry}`,6)}</dd></div>`}
      <div><dt>shape</dt><dd>${D(t.shape)}</dd></div>
    </dl>
    ${t.formulas.map(s=>a`
        <figure class="formula">
          <figcaption>${s.caption}</figcaption>
          <div class="math" tabindex="0" role="group" aria-label=${s.text}>${it(s.mathml)}</div>
          ${s.shapes?a`<p class="shapes">${s.shapes}</p>`:h}
        </figure>
      `)}
    ${t.editable&&!e.readOnly?ss(e,t):h}
    ${t.numpy?is(e,t):e.readOnly?a`<p class="hint">As NumPy: not recorded.</p>`:h}
  `}function ss(e,t){let s=e.edited?.entry===t.editable?e.edited:null;return a`
    <form class="edit" @submit=${n=>{n.preventDefault();let i=Number(n.target.elements.value.value);n.target.elements.value.value.trim()&&!Number.isNaN(i)&&e.edit(t.editable,i)}}>
      <label>Set ${t.editable} to <input name="value" inputmode="decimal" autocomplete="off" .value=${String(t.value)} /></label>
      <button type="submit">Set</button>
    </form>
    ${s?ns(s):h}
  `}function ns(e){return a`
    <table class="outcome">
      <caption>What the gradient foretold, and what happened to J</caption>
      <tbody>
        <tr><th scope="row">dw</th><td>${u(e.change,"edit dw",6)}</td></tr>
        <tr><th scope="row">g · dw</th><td>${u(e.predicted,"edit predicted",6)}</td></tr>
        <tr><th scope="row">J before</th><td>${u(e.before,"edit before",8)}</td></tr>
        <tr><th scope="row">J after</th><td>${u(e.after,"edit after",8)}</td></tr>
        <tr><th scope="row">change of J</th><td>${u(e.happened,"edit happened",6)}</td></tr>
      </tbody>
    </table>
  `}function is(e,t){return a`
    <details class="numpy">
      <summary>As NumPy</summary>
      <button type="button" @click=${()=>rs(e,t.numpy)}>Copy</button>
      <pre tabindex="0"><code data-name="numpy">${t.numpy}</code></pre>
    </details>
  `}async function rs(e,t){try{await navigator.clipboard.writeText(t),e.message="Copied."}catch{e.message="The browser refused to copy: select the lines instead."}e.draw()}function re(e){let{ledger:t}=e.answers,s=e.ledgerEntry;return a`
    <section class="panel ledger" aria-labelledby="ledger-title">
      <div class="bar">
        <h2 id="ledger-title">Ledger of paths</h2>
        ${t?a`<p class="aside">d${t.loss}/d${t.entry} · ${t.count} paths, ${t.over}</p>`:h}
      </div>
      ${s===null?a`<p class="hint">Select one entry, such as ${ie(e,as(e))}, to see every path from it to the loss.</p>`:t?os(t):a`<p class="hint">${e.errors.ledger??"…"}</p>`}
      ${e.recorded?a`<p class="aside recorded">Recorded: ${e.recorded.entries.map(n=>a`${ie(e,n)} `)}</p>`:h}
    </section>
  `}function ie(e,t){return a`<button type="button" class="link" @click=${()=>e.select(t)}>${t}</button>`}function as(e){if(e.recorded)return e.recorded.entries[0]??"W1[0, 0]";let t=e.scene.nodes.find(s=>s.parameter&&s.shape.length===2);return`${t?.name??"W1"}[0, ${Math.min(3,(t?.shape[1]??4)-1)}]`}function os(e){return a`
    <div class="scroll" tabindex="0" role="group" aria-label="Paths">
      <table>
        <thead><tr><th scope="col">path</th><th scope="col">factors</th><th scope="col" class="right">product</th></tr></thead>
        <tbody>
          ${e.rows.map(t=>a`
              <tr>
                <th scope="row" class="path">${t.path}</th>
                <td class="factors">${t.factors.map((s,n)=>a`${n?a`<span class="times">·</span>`:h}<span class="factor" title="${s.symbol} = ${s.value}"><span class="symbol">${s.formula}</span><span class="value">${u(s.value,`factor ${s.symbol} of ${t.path}`)}</span></span>`)}</td>
                <td class="right">${u(t.product,`product of ${t.path}`,6)}</td>
              </tr>
            `)}
          ${e.rest_count?a`<tr class="rest"><th scope="row" colspan="2">${e.rest_count} other paths together</th><td class="right">${u(e.rest,"ledger rest",6)}</td></tr>`:h}
        </tbody>
        <tfoot>
          <tr><th scope="row" colspan="2">sum of the paths</th><td class="right">${u(e.total,"ledger total",8)}</td></tr>
          <tr><th scope="row" colspan="2">gradient by the backward pass</th><td class="right">${u(e.gradient,"ledger gradient",8)}</td></tr>
          <tr class=${Math.abs(e.residual)<=1e-9*Math.abs(e.magnitude||1)?"good":"bad"}>
            <th scope="row" colspan="2">they differ by</th><td class="right">${u(e.residual,"ledger residual",3)}</td>
          </tr>
        </tfoot>
      </table>
    </div>
    <p class="aside">The sizes of all paths add up to ${A(e.magnitude)}.</p>
  `}function oe(e){let{samples:t,sample:s}=e.answers;return a`
    <section class="panel samples" aria-labelledby="samples-title">
      <div class="bar">
        <h2 id="samples-title">Samples</h2>
        <label>by <select @change=${n=>e.look({order:n.target.value})}>
          <option value="loss" ?selected=${e.view.order==="loss"}>loss</option>
          <option value="row" ?selected=${e.view.order==="row"}>row</option>
        </select></label>
        <button type="button" aria-pressed=${e.view.focus===null} @click=${()=>e.look({focus:null})}>Whole batch</button>
      </div>
      ${s?hs(e,s):cs()} ${e.recorded?ls(e,e.recorded.rows):h}
      ${t?us(e,t):a`<p class="hint">${e.errors.samples??"…"}</p>`}
    </section>
  `}function cs(){return a`<p class="hint">The whole batch drives the board. Choose a row to follow it alone.</p>`}function ls(e,t){let s=n=>a`<button type="button" class="link" aria-pressed=${n===e.view.focus} data-row=${n} @click=${()=>e.look({focus:n})}>${n}</button> `;return a`<p class="aside recorded">Recorded: ${t.map(s)}</p>`}function hs(e,t){let s=e.scene.classes;return a`
    <table class="residual">
      <caption>Sample ${t.row}, class ${s[t.label]}: J = ${u(t.loss,"sample loss")}</caption>
      <thead><tr><th scope="col">class</th><th scope="col">p</th><th scope="col">y</th><th scope="col">dZ = p − y</th></tr></thead>
      <tbody>
        ${s.slice(0,30).map((n,i)=>a`
            <tr>
              <th scope="row">${V(i)} ${n}</th>
              <td>${ae(t.p.data[i],"value")}${u(t.p.data[i],`p ${i}`)}</td>
              <td>${u(t.y.data[i],`y ${i}`,1)}</td>
              <td>${ae(t.d.data[i],"gradient")}${u(t.d.data[i],`p-y ${i}`)}</td>
            </tr>
          `)}
      </tbody>
    </table>
  `}function ae(e,t){let s=Math.max(-1,Math.min(1,Number.isFinite(e)?e:0)),[n,i]=t==="value"?[0,100*s]:[50+Math.min(0,50*s),50*Math.abs(s)];return a`<span class="bar-track ${t}" aria-hidden="true"><span class="bar-fill" ${B({left:`${n}%`,width:`${i}%`})}></span></span>`}function V(e){return a`<svg class="swatch" viewBox="-6 -6 12 12" aria-hidden="true">${ds[st(e)](F(e))}</svg>`}var ds={circle:e=>v`<circle r="4.5" fill=${e} />`,square:e=>v`<rect x="-4" y="-4" width="8" height="8" fill=${e} />`,triangle:e=>v`<path d="M0 -5L5 4L-5 4Z" fill=${e} />`,diamond:e=>v`<path d="M0 -5.5L5.5 0L0 5.5L-5.5 0Z" fill=${e} />`,cross:e=>v`<path d="M-4 -4L4 4M-4 4L4 -4" stroke=${e} stroke-width="2.6" />`,star:e=>v`<path d="M0 -5.5L1.5 -1.6L5.5 -1.6L2.3 1L3.4 5L0 2.7L-3.4 5L-2.3 1L-5.5 -1.6L-1.5 -1.6Z" fill=${e} />`};function us(e,t){let s=e.scene.classes.length,n=t.rows.shape[0],i=t.of<t.all?`, of ${w(t.of)} looked at of ${w(t.all)}`:"";return a`
    <div class="scroll" tabindex="0" role="group" aria-label="Rows">
      <table class="rows">
        <thead><tr><th scope="col">row</th><th scope="col">class</th><th scope="col" class="right">loss</th><th scope="col" class="right">p of class</th><th scope="col">predicted</th></tr></thead>
        <tbody>
          ${Array.from({length:n},(r,o)=>ps(e,t,o,s))}
        </tbody>
      </table>
    </div>
    <p class="aside">${w(n)} rows${i}; mean loss ${u(t.mean_loss,"mean loss")}
      ${n<t.of&&!e.readOnly?a`<button type="button" class="link" @click=${()=>{e.listed+=50,e.refresh()}}>more</button>`:h}</p>
  `}function ps(e,t,s,n){let i=t.rows.data[s],r=t.labels.data[s],o=t.probabilities.data.subarray(s*n,(s+1)*n),c=o.indexOf(Math.max(...o));return a`
    <tr class=${i===e.view.focus?"chosen":""}>
      <th scope="row">${e.canFocus(i)?a`<button type="button" class="link" aria-pressed=${i===e.view.focus} data-row=${i} @click=${()=>e.look({focus:i})}>${i}</button>`:i}</th>
      <td>${V(r)} ${e.scene.classes[r]}</td>
      <td class="right">${u(t.losses.data[s],`row loss ${i}`)}</td>
      <td class="right">${u(o[r],`row p ${i}`,3)}</td>
      <td class=${c===r?"":"wrong"}>${V(c)} ${e.scene.classes[c]}${c===r?h:a`<span class="visually-hidden"> (wrong)</span>`}</td>
    </tr>
  `}function ce(e){let{plane:t}=e.answers,{scene:s}=e;return a`
    <section class="panel plane" aria-labelledby="plane-title">
      <div class="bar">
        <h2 id="plane-title">Plane</h2>
        ${s.columns>2&&!e.readOnly?[0,1].map(n=>$s(e,n)):h}
      </div>
      ${t?fs(e,t):a`<p class="hint">${e.errors.plane??"…"}</p>`}
    </section>
  `}function $s(e,t){return a`<label>${t?"up":"across"} <select @change=${s=>{let n=[...e.plane];n[t]=Number(s.target.value),n[0]!==n[1]?e.look({plane:n}):e.say("Two different columns make a plane.")}}>${e.scene.features.slice(0,1e3).map((s,n)=>a`<option value=${n} ?selected=${e.plane[t]===n}>${s}</option>`)}</select></label>`}function fs(e,t){let{scene:s,view:n}=e;return a`
    <div class="axes">
      <span class="up">${s.features[t.y]}</span>
      <canvas role="img" aria-label="Decision regions over ${s.features[t.x]} and ${s.features[t.y]}, with ${t.rows.shape[0]} rows as points"
        ${E(Xt(t,n.focus),`${e.answeredFor.plane} ${n.theme} ${n.projector}`)}
        @click=${i=>gs(e,t,i)}></canvas>
      <span class="ticks"><span>${A(t.across[0],3)}</span><span>${s.features[t.x]}</span><span>${A(t.across[1],3)}</span></span>
    </div>
    <ul class="legend">${s.classes.slice(0,12).map((i,r)=>a`<li>${V(r)} ${i}</li>`)}</ul>
    ${s.columns>2?ms(e,t):h}
  `}function ms(e,t){let s=e.view.focus===null?"their means":`sample ${e.view.focus}`;return a`
    <details class="held"><summary>The other columns are held at ${s}</summary>
      <dl>${e.scene.features.map((n,i)=>i===t.x||i===t.y||i>200?h:a`<div><dt>${n}</dt><dd>${u(t.held.data[i],`held ${i}`,3)}</dd></div>`)}</dl>
    </details>
  `}function gs(e,t,s){let n=s.currentTarget,i=s.offsetX/n.clientWidth,r=1-s.offsetY/n.clientHeight,o=-1,c=.05**2;for(let l=0;l<t.rows.shape[0];++l){if(!e.canFocus(t.rows.data[l]))continue;let d=(t.points.data[2*l]-t.across[0])/(t.across[1]-t.across[0])-i,p=(t.points.data[2*l+1]-t.up[0])/(t.up[1]-t.up[0])-r;d*d+p*p<c&&([o,c]=[l,d*d+p*p])}e.look({focus:o<0?null:t.rows.data[o]})}var le=1e3,rt=110;function he(e){let{timeline:t}=e.answers;return a`
    <section class="panel timeline" aria-labelledby="timeline-title">
      <div class="bar"><h2 id="timeline-title">Timeline</h2>${t?a`<p class="aside">step ${w(t.step)} of ${w(t.furthest)}</p>`:h}</div>
      ${t?ys(e,t):a`<p class="hint">${e.errors.timeline??"…"}</p>`}
    </section>
  `}function ys(e,t){let{layers:s}=t,n=t.marks.shape[0],i=(r,o)=>Array.from({length:n},(c,l)=>r.data[l*s.length+o]);return a`
    <input type="range" class="scrubber" min="0" max=${Math.max(1,t.furthest)} .value=${String(e.state.step)}
      ?disabled=${t.furthest===0} list=${e.recorded?"recorded-steps":h} aria-label="Step" aria-valuetext="step ${e.state.step}"
      @input=${r=>ws(e,Number(r.target.value))} />
    ${e.recorded?a`<datalist id="recorded-steps">${e.recorded.steps.map(r=>a`<option value=${r}></option>`)}</datalist>`:h}
    <div class="curves">
      ${ot("loss, nats",t,[{name:"batch",low:t.lowest.data,high:t.highest.data,edges:t.edges.data}],!1)}
      ${ot("accuracy",t,[{name:"accuracy",x:t.marks.data,y:Array.from(t.accuracies.data)}],!1,[0,1])}
      ${ot("gradient norm",t,s.map((r,o)=>({name:`d${r}`,x:t.marks.data,y:i(t.gradient_norms,o)})),!0)}
      ${ot("update / weight",t,s.map((r,o)=>({name:r,x:t.marks.data,y:i(t.update_ratios,o)})),!0)}
    </div>
    ${n?_s(t,i):h}
  `}var vt=!1,at=null;async function ws(e,t){if(at=t,!vt){for(vt=!0;at!==null;){let s=at;at=null,await e.command("seek",{step:s})}vt=!1}}function ot(e,t,s,n,i=null){let r=f=>n?Math.log10(Math.max(f,1e-12)):f,o=s.flatMap(f=>f.low?[...f.low,...f.high]:f.y).filter(f=>Number.isFinite(f)&&(!n||f>0));if(!o.length&&!i)return a`<figure class="curve"><figcaption>${e}</figcaption><p class="hint">nothing yet</p></figure>`;let[c,l]=i??[Math.min(...o),Math.max(...o)],[d,p]=[r(c),r(l)],$=Math.max(1,t.furthest),m=f=>f/$*le,y=f=>rt-4-(r(f)-d)/(p-d||1)*(rt-8);return a`
    <figure class="curve">
      <figcaption>${e}${n?", log":""} ${s.length>1?s.map((f,S)=>a`<span class="key line-${S%4}">${f.name}</span>`):h}</figcaption>
      <div class="plot">
        <span class="top">${A(l,3)}</span><span class="bottom">${A(c,3)}</span>
        <svg viewBox="0 0 ${le} ${rt}" preserveAspectRatio="none" role="img" aria-label="${e}, from ${A(c,3)} to ${A(l,3)}">
          ${s.map((f,S)=>v`<path class="line-${S%4}" d=${f.low?As(f,m,y):vs(f,m,y)} />`)}
          <line class="now" x1=${m(t.step)} x2=${m(t.step)} y1="0" y2=${rt} />
        </svg>
      </div>
    </figure>
  `}function vs(e,t,s){let n="";return e.y.forEach((i,r)=>{Number.isFinite(i)&&(n+=`${n?"L":"M"}${t(e.x[r]).toFixed(1)} ${s(i).toFixed(1)}`)}),n}function As(e,t,s){let n="";for(let i=0;i<e.low.length;++i){let r=t((e.edges[i]+e.edges[i+1])/2).toFixed(1);Number.isFinite(e.low[i])&&(n+=`${n?"L":"M"}${r} ${s(e.high[i]).toFixed(1)}L${r} ${s(e.low[i]).toFixed(1)}`)}return n}function _s(e,t){let s=e.marks.shape[0]-1;return a`
    <details class="measured"><summary>Measured at step ${w(e.marks.data[s])}: accuracy ${u(e.accuracies.data[s],"marked accuracy",3)}</summary>
      <table>
        <thead><tr><th scope="col">weight</th><th scope="col" class="right">gradient norm</th><th scope="col" class="right">update / weight</th></tr></thead>
        <tbody>${e.layers.map((n,i)=>a`<tr><th scope="row">${n}</th>
          <td class="right">${u(t(e.gradient_norms,i)[s],`norm d${n}`)}</td><td class="right">${u(t(e.update_ratios,i)[s],`ratio ${n}`)}</td></tr>`)}</tbody>
      </table>
    </details>
  `}var At=1e-7,de=.01;function ue(e){let{check:t}=e,s=t&&!t.parameters;return a`
    <section class="panel check" aria-labelledby="check-title">
      <div class="bar">
        <h2 id="check-title">Check</h2>
        ${e.recorded?.checked===null?h:a`<button type="button" ?disabled=${s} @click=${()=>e.runCheck()}>${e.recorded?`Show the check of step ${e.recorded.checked}`:"Check the gradients"}</button>`}
      </div>
      ${t?s?a`<p role="status"><progress max=${t.of} .value=${t.done}></progress> ${w(t.done)} of ${w(t.of)} entries</p>`:ks(e,t):a`<p class="hint">Is the gradient right? Each entry against (J(w + h) − J(w − h)) / 2h.${e.recorded?.checked===null?" No check was recorded.":h}</p>`}
    </section>
  `}function ks(e,t){let s=t.step!==e.state.step||t.version!==e.state.version;return a`
    <p class="verdict ${t.worst_error<=1e-6?"good":"bad"}">
      ${t.worst_error<=1e-6?"The gradients agree":"The gradients DIFFER"}: largest relative error
      ${u(t.worst_error,"worst error",2)}${t.worst?a` at ${e.canSelect(t.worst)?a`<button type="button" class="link" @click=${()=>e.select(t.worst)}>${t.worst}</button>`:t.worst}`:h}${s?a` (at step ${t.step})`:h}
    </p>
    <div class="maps">
      ${t.parameters.map(n=>a`
          <figure>
            <figcaption>${n.name}: ${n.checked} checked${n.kinks?a`, ${n.kinks} at a kink`:h}</figcaption>
            <canvas class="errors" role="img" aria-label="Relative errors of ${n.name}, at most ${A(n.worst,2)}"
              ${E(bs(n),`${t.step} ${t.version} ${n.name} ${e.view.theme}`)}></canvas>
          </figure>
        `)}
    </div>
    <ul class="legend">
      <li><span class="tone good"></span> at most 1e−7</li><li><span class="tone middle"></span> between</li>
      <li><span class="tone bad"></span> above 1e−2</li><li><span class="tone kink"></span> the step crosses a ReLU's kink: not judged</li>
    </ul>
    <table class="visually-hidden"><caption>Largest relative errors</caption>
      <thead><tr><th scope="col">parameter</th><th scope="col">checked</th><th scope="col">at a kink</th><th scope="col">largest error</th></tr></thead>
      <tbody>${t.parameters.map(n=>a`<tr><th scope="row">${n.name}</th><td>${n.checked}</td><td>${n.kinks}</td><td>${A(n.worst,2)}</td></tr>`)}</tbody>
    </table>
  `}function bs(e){return t=>{let{context:s,width:n,height:i}=yt(t),[r,o]=e.errors.shape,c=U(t)==="dark",[l,d]=[n/o,i/r];for(let p=0;p<r*o;++p){let[$,m]=[p%o*l,Math.floor(p/o)*d],y=e.errors.data[p],f=e.states.data[p];f!==0&&(s.fillStyle=f===2?c?"#4a505a":"#c9ced6":xs(y,c),s.fillRect($,m,Math.max(1,l-.5),Math.max(1,d-.5)),f===2&&(s.strokeStyle=c?"#9aa3b0":"#6b7280",s.lineWidth=1,s.beginPath(),s.moveTo($,m+d),s.lineTo($+l,m),s.stroke()))}}}function xs(e,t){if(!(e<=de))return t?"#ff7a59":"#c2290a";if(e<=At)return t?"#37b98a":"#00805a";let s=Math.log10(e/At)/Math.log10(de/At);return t?`hsl(${150-110*s} 60% 58%)`:`hsl(${160-120*s} 70% 36%)`}function pe(e){if(e.openPanel!=="network"||e.readOnly)return h;let{network:t,choices:s}=e.scene,n=(r,o,c)=>a`
    <label>${o} <select name=${r}>${c.map(l=>a`<option ?selected=${l===t[r]}>${l}</option>`)}</select></label>`,i=(r,o,c)=>a`
    <label>${o} <input name=${r} .value=${String(c)} autocomplete="off" spellcheck="false" /></label>`;return a`
    <section class="panel network" aria-labelledby="network-title">
      <div class="bar"><h2 id="network-title">Network</h2></div>
      <form @submit=${r=>Ts(e,r)}>
        ${i("hidden_layer_sizes","Hidden layers",t.hidden_layer_sizes.join(", "))}
        ${n("activation","Activation",s.activation)} ${n("initialization","Start",s.initialization)}
        ${i("l2","L2, λ",t.l2)} ${i("dropout","Dropout",t.dropout)} ${i("seed","Seed",t.seed)}
        ${n("solver","Optimizer",s.solver)} ${i("learning_rate","Learning rate",t.learning_rate)}
        ${i("batch_size","Batch size",t.batch_size)}
        <button type="submit" class="main">Change</button>
      </form>
      <p class="hint">Optimizer, learning rate and batch size change from this step on. Layers, activation, start, L2, dropout and seed begin a new run.</p>
    </section>
  `}var Ms=["l2","dropout","learning_rate"],Ns=["seed","batch_size"];async function Ts(e,t){t.preventDefault();let s=new FormData(t.target),n={};for(let[i,r]of s){let o=String(r).trim(),c=o;if(i==="hidden_layer_sizes"?c=o===""?[]:o.split(/[\s,]+/).map(Number):(Ms.includes(i)||Ns.includes(i))&&(c=Number(o)),typeof c=="number"?Number.isNaN(c):Array.isArray(c)&&c.some(Number.isNaN)){e.say(`${i.replaceAll("_"," ")}: ${o} is not a number.`);return}JSON.stringify(c)!==JSON.stringify(e.scene.network[i])&&(n[i]=c)}if(!Object.keys(n).length){e.say("Nothing was changed.");return}await e.command("network",{changes:n})&&(e.scene=await e.transport.request("scene"),e.draw())}function $e(e){if(e.openPanel!=="quiz"||e.readOnly)return h;let{quiz:t}=e;return a`
    <section class="panel quiz" aria-labelledby="quiz-title">
      <div class="bar">
        <h2 id="quiz-title">Quiz</h2>
        <button type="button" @click=${()=>Ss(e)}>${t?"Another question":"Ask me"}</button>
        ${t?a`<p class="aside">${t.right} of ${t.asked} right</p>`:h}
      </div>
      ${t?.question?Ps(e,t):a`<p class="hint">A number of this network is hidden; work it out from the ones that are shown.</p>`}
    </section>
  `}async function Ss(e){let t=await e.command("quiz",{focus:e.view.focus});t&&(e.quiz={right:e.quiz?.right??0,asked:e.quiz?.asked??0,question:t,answer:null},e.draw())}function Ps(e,t){let{question:s,answer:n}=t;return a`
    <p>${s.text}</p>
    <div class="math" tabindex="0" role="group" aria-label=${s.formula}>${it(s.mathml)}</div>
    <table><tbody>${s.given.map(i=>a`<tr><th scope="row">${i.entry}</th><td class="right">${u(i.value,`given ${i.entry}`)}</td></tr>`)}</tbody></table>
    <form class="edit" @submit=${i=>{i.preventDefault(),Os(e,i.target.elements.answer.value)}}>
      <label>${s.entry} = <input name="answer" inputmode="decimal" autocomplete="off" ?disabled=${n?.right} /></label>
      <button type="submit" ?disabled=${n?.right}>Answer</button>
    </form>
    <p role="status" class=${n?n.right?"good":"bad":""}>${n?n.right?a`Right: ${u(n.value,`answer ${s.entry}`,6)}.`:"Not yet. Within one per cent is right.":h}</p>
  `}async function Os(e,t){let s=Number(t.replace("−","-").replace(",","."));if(t.trim()===""||Number.isNaN(s)){e.say(`${t} is not a number.`);return}let n=await e.command("answer",{question:e.quiz.question.id,value:s});if(!n)return;let i=e.quiz.answer===null;e.quiz={...e.quiz,answer:n,asked:e.quiz.asked+(i?1:0),right:e.quiz.right+(i&&n.right?1:0)},e.draw()}var Cs={frame:e=>({focus:e.view.focus}),samples:e=>({order:e.view.order,count:e.listed}),sample:e=>e.view.focus===null?null:{row:e.view.focus},plane:e=>({x:e.plane[0],y:e.plane[1],...e.scene.columns>2?{focus:e.view.focus}:{}}),timeline:()=>({}),inspect:e=>e.view.entry?{entry:e.view.entry,focus:e.view.focus}:null,block:e=>e.expanded?{...e.expanded,focus:e.view.focus}:null,ledger:e=>e.ledgerEntry?{entry:e.ledgerEntry,focus:e.view.focus,top:12}:null},ct=class{constructor(t,s,n={}){this.root=t,this.transport=s,this.keepsAddress=n.address??!1,this.themeAround=n.themeAround??(()=>null),this.view={focus:null,entry:null,plane:null,order:"loss",projector:!1,theme:"auto"},this.listed=30,this.state=null,this.scene=null,this.answers={},this.askedFor={},this.answeredFor={},this.errors={},this.expanded=null,this.connected=!1,this.refused=!1,this.message="",this.told="",this.check=null,this.edited=null,this.quiz=null,this.openPanel="",this.isAsking=!1,this.pending=0,this.isRendering=!1,s.listen(i=>this.hear(i)),Wt(this),matchMedia("(prefers-color-scheme: dark)").addEventListener("change",()=>this.draw()),this.keepsAddress&&(Object.assign(this.view,X(location.hash)),window.addEventListener("hashchange",()=>{Object.assign(this.view,X(location.hash)),this.refresh()})),this.draw()}get plane(){return this.view.plane??this.scene.plane}get moment(){return`${this.state.revision}/${this.state.version}/${this.state.step}`}get readOnly(){return this.transport.readOnly}get recorded(){return this.transport.recorded??null}canFocus(t){return this.recorded?.rows.includes(t)??!0}canSelect(t){return this.recorded?.entries.some(s=>s===t||`d${s}`===t)??!0}get ledgerEntry(){let t=this.view.entry;return!t||!t.includes("[")?null:t.startsWith("d")?t.slice(1):t}hear(t){t.event==="connected"?(this.connected=!0,this.refused=!1,this.open()):t.event==="disconnected"?(this.connected=!1,this.refused=t.refused,this.told=t.text??"",this.draw()):t.event==="told"?(this.told=t.text,this.draw()):t.event==="state"?this.take(t):t.event==="check"&&this.check&&(this.check={...this.check,done:t.done,of:t.of},this.draw())}async open(){try{this.scene=await this.transport.request("scene");let t=this.keepsAddress?X(location.hash).step:void 0,s=await this.transport.request("state");t!==void 0&&t!==s.step&&!s.playing&&!this.state&&(s=await this.transport.request("goto",{step:t})),this.take(s)}catch(t){this.say(t)}}async take(t){let s=!this.scene||t.revision!==this.scene.revision,n=t.stopped_at!==null&&this.state?.stopped_at!==t.stopped_at;this.state=t;let{edited:i}=this;i&&(i.state.step!==t.step||i.state.version!==t.version)&&(this.edited=null),s&&(this.scene=await this.transport.request("scene"),this.fitView()),n&&this.goToTrouble(),this.refresh()}fitView(){let t=new Set(this.scene.nodes.map(n=>n.name)),s=this.view.entry?.replace(/\[.*$/,"");s&&!t.has(s)&&!(s.startsWith("d")&&t.has(s.slice(1)))&&(this.view.entry=null),this.view.focus!==null&&this.view.focus>=this.scene.rows&&(this.view.focus=null),this.view.plane?.some(n=>n>=this.scene.columns)&&(this.view.plane=null),this.expanded=null,this.check=null,this.edited=null,this.answers={}}async goToTrouble(){try{let t=await this.transport.request("trouble",{focus:this.view.focus});t.entry&&this.select(t.entry),this.message=t.text}catch(t){this.say(t)}this.draw()}look(t){("focus"in t||"entry"in t)&&(this.edited=null),"focus"in t&&!("entry"in t)&&(t.entry=this.entryFor(t.focus??null)),Object.assign(this.view,t),this.refresh()}entryFor(t){let{entry:s}=this.view,[,n,i,r]=s?.match(/^(d?)(.*?)\[(.*)\]$/)??[],o=this.scene.nodes.find(d=>d.name===i||d.name===n+i);if(!o?.batch||t===null==(this.view.focus===null))return s;let c=o.name===i?n+i:o.name,l=r.split(",").slice(1).join(",").trim();return t!==null&&l?`${c}[${l}]`:c}select(t){this.look({entry:t})}async refresh(){if(this.draw(),!(this.isAsking||!this.connected||!this.scene||!this.state)){this.isAsking=!0;try{for(;await this.askOnce(););}finally{this.isAsking=!1}this.keepsAddress&&this.writeAddress(),this.draw()}}async askOnce(){let{moment:t}=this,s=Object.entries(Cs).map(([n,i])=>[n,i(this)]).filter(([n,i])=>this.askedFor[n]!==`${t} ${JSON.stringify(i)}`);return s.length?(await Promise.all(s.map(async([n,i])=>{let r=this.askedFor[n]=`${t} ${JSON.stringify(i)}`;if(i===null){delete this.answers[n],delete this.errors[n];return}try{this.answers[n]=await this.transport.request(n,i),this.answeredFor[n]=r,delete this.errors[n]}catch(o){delete this.answers[n],this.errors[n]=o.message}})),this.draw(),!0):!1}async command(t,s={}){this.message="",this.pending+=1,this.draw();try{let n=await this.transport.request(t,s);return n&&"step"in n&&"phase"in n&&await this.take(n),n}catch(n){return this.say(n),null}finally{this.pending-=1,this.draw()}}say(t){this.message=t.message??String(t),this.draw()}togglePlay(){return this.command(this.state?.playing?"pause":"play")}async edit(t,s){let n=await this.command("edit",{entry:t,value:s,focus:this.view.focus});n&&(this.edited=n,await this.take(n.state))}async runCheck(){if(this.recorded){if(this.recorded.checked===null)return;this.look({focus:null}),await this.command("seek",{step:this.recorded.checked})}this.check={done:0,of:1},this.draw();let t={step:this.state.step,version:this.state.version},s=await this.command("check",{focus:this.view.focus});this.check=s?{...s,...t}:null,this.draw()}writeAddress(){let t=Dt(this.view,this.state.playing?void 0:this.state.step);t!==location.hash&&history.replaceState(null,"",t||location.pathname+location.search)}draw(){this.isRendering||(this.isRendering=!0,requestAnimationFrame(()=>{this.isRendering=!1,this.root.classList.toggle("projector",this.view.projector),this.root.dataset.theme=this.view.theme==="auto"?this.themeAround()??"auto":this.view.theme,zt(this.page(),this.root),this.root.dataset.moment=this.isAsking||this.pending||!this.state?"":`${this.moment} ${JSON.stringify(this.view)}`}))}page(){return!this.scene||!this.state?a`<p class="waiting" role="status">${this.waitingText()}</p>`:a`
      ${Vt(this)}
      <div class="panels">
        ${se(this)} ${ne(this)} ${re(this)} ${oe(this)} ${ce(this)}
        ${he(this)} ${ue(this)} ${pe(this)} ${$e(this)}
      </div>
    `}waitingText(){return this.told?this.told:this.refused?"The board was started anew, with another address: open that one.":this.connected?"Loading …":"Waiting for the board …"}};var Es={f4:Float32Array,f8:Float64Array,u1:Uint8Array,i4:Int32Array},fe={NaN:NaN,Infinity:1/0,"-Infinity":-1/0};function me(e){let t=new DataView(e).getUint32(0,!0),s=JSON.parse(new TextDecoder().decode(new Uint8Array(e,4,t))),n=4+t;return _t(s,i=>{let r=n;return n+=i+(-i&7),e.slice(r,r+i)})}function _t(e,t){if(typeof e=="string")return e in fe?fe[e]:e;if(Array.isArray(e))return e.map(s=>_t(s,t));if(e===null||typeof e!="object")return e;if("$array"in e){let s=Es[e.dtype],n=e.shape.reduce((i,r)=>i*r,1);return{data:new s(t(n*s.BYTES_PER_ELEMENT,e.$array)),shape:e.shape}}return Object.fromEntries(Object.entries(e).map(([s,n])=>[s,_t(n,t)]))}var Hs=2,kt=class{readOnly=!0;constructor(t){this.record=t,this.recorded={steps:t.steps,rows:t.rows,entries:t.entries,checked:t.checked},this.place=t.steps.length-1,this.phase="update",this.rate=null,this.timer=0,this.listeners=[]}async request(t,s={}){return t==="scene"?this.record.scene:t in ge?(t!=="state"&&this.stop(),ge[t](this,s),this.state):this.answer(t,s)}get state(){let{record:t,phase:s,rate:n}=this;return{...t.state,step:t.steps[this.place],phase:s,rate:n,playing:this.timer!==0}}answer(t,s){let{answers:n,told:i,arrays:r}=this.record,o=n[`${t} ${JSON.stringify(s,Object.keys(s).sort())}`]?.[this.place]??null;if(o===null)throw new Error(`${s.entry??"This"} was not recorded. The board itself (chainrule board) answers it.`);let c=bt(i[o],r);if(c.error)throw new Error(c.error);return c}go(t){this.place=Math.max(0,Math.min(t,this.record.steps.length-1)),this.phase="update"}play(){this.place===this.record.steps.length-1&&this.go(0),this.timer=setInterval(()=>{this.go(this.place+1),this.place===this.record.steps.length-1&&this.stop();for(let t of this.listeners)t({event:"state",...this.state})},1e3/(this.rate??Hs))}stop(){clearInterval(this.timer),this.timer=0}listen(t){this.listeners.push(t),queueMicrotask(()=>t({event:"connected"}))}},ge={state:()=>{},pause:()=>{},play:(e,{rate:t})=>{e.rate=t??e.rate,e.play()},step:e=>e.go(e.place+1),reset:e=>e.go(0),seek:(e,{step:t})=>e.go(ye(e.record.steps,t)),goto:(e,{step:t})=>e.go(ye(e.record.steps,t)),back:e=>{e.phase==="loss"||e.phase==="backward"?e.phase="forward":e.go(e.place-1)},phase:e=>{let{phases:t}=e.record.scene,s=(t.indexOf(e.phase)+1)%t.length;if(s===0){if(e.place===e.record.steps.length-1)return;e.go(e.place+1)}e.phase=t[s]}};function ye(e,t){let s=0;return e.forEach((n,i)=>{Math.abs(n-t)<Math.abs(e[s]-t)&&(s=i)}),s}function bt(e,t){return Array.isArray(e)?e.map(s=>bt(s,t)):e===null||typeof e!="object"?e:"$kept"in e?t[e.$kept]:Object.fromEntries(Object.entries(e).map(([s,n])=>[s,bt(n,t)]))}async function Ls(){let e=document.getElementById("record").textContent??"",t=Uint8Array.from(atob(e.trim()),s=>s.charCodeAt(0));return me(await new Response(new Blob([t]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer())}var we=document.getElementById("board");try{new ct(we,new kt(await Ls()),{address:!0})}catch(e){we.textContent=`The recording can't be read: ${e.message}. A browser of 2023 or later opens it, unless the file is cut off.`}
/*! Bundled license information:

lit-html/lit-html.js:
lit-html/directive.js:
lit-html/async-directive.js:
lit-html/directives/unsafe-html.js:
  (**
   * @license
   * Copyright 2017 Google LLC
   * SPDX-License-Identifier: BSD-3-Clause
   *)

lit-html/directive-helpers.js:
  (**
   * @license
   * Copyright 2020 Google LLC
   * SPDX-License-Identifier: BSD-3-Clause
   *)
*/
